// gcc -g -O0 -ffreestanding -fno-stack-protector -nostdlib -static -no-pie -fno-pie -Wl,--build-id=sha1,--eh-frame-hdr -ffile-prefix-map=$PWD=. -o examples/targets/crash examples/targets/crash.c
//
// Crash reads options, one NAME=VALUE a line, from the file that its argument
// names or else from a text of its own, and prints them. An option that it does
// not know crashes it: set_option forgets that find_option may find nothing.
//
// It makes its own system calls instead of using a C library, so that what the
// command above builds is small, needs no library and runs on every x86-64 Linux.

enum { SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_exit = 60 };

struct option {
	const char *name;
	long value;
};

static struct option options[] = {{"width", 80}, {"height", 24}, {"depth", 8}};
static const int noptions = sizeof options / sizeof options[0];

static char text[4096] = "width=640\nheight=480\ncolour=16\n";

static long syscall3(long nr, long a, long b, long c)
{
	long ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static void print(const char *s)
{
	long n = 0;
	while (s[n])
		n++;
	syscall3(SYS_write, 1, (long)s, n);
}

static void print_number(long n)
{
	char digits[24], *p = digits + sizeof digits;
	*--p = 0;
	do
		*--p = '0' + n % 10;
	while (n /= 10);
	print(p);
}

static _Noreturn void fail(const char *message)
{
	print(message);
	for (;;)
		syscall3(SYS_exit, 1, 0, 0);
}

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static struct option *find_option(const char *name)
{
	for (int i = 0; i < noptions; i++)
		if (equal(options[i].name, name))
			return &options[i];
	return 0;
}

static void store(struct option *option, long value)
{
	option->value = value;
}

static void set_option(const char *name, const char *digits)
{
	unsigned long value = 0;
	while ('0' <= *digits && *digits <= '9')
		value = value * 10 + (*digits++ - '0');
	store(find_option(name), value & 0xffffffff);
}

static void parse_line(char *line)
{
	char *value = line;
	while (*value && *value != '=')
		value++;
	if (!*value)
		fail("a line has no =\n");
	*value++ = 0;
	set_option(line, value);
}

static void read_text(const char *path)
{
	long fd = syscall3(SYS_open, (long)path, 0, 0), len = 0, n;
	if (fd < 0)
		fail("the file cannot be opened\n");
	while ((n = syscall3(SYS_read, fd, (long)(text + len), sizeof text - len)) > 0)
		len += n;
	if (n < 0 || len == sizeof text)
		fail("the file cannot be read or is too long\n");
	text[len] = 0;
}

static void load_config(const char *path)
{
	if (path)
		read_text(path);
	for (char *line = text; *line;) {
		char *end = line;
		while (*end && *end != '\n')
			end++;
		char *next = *end ? end + 1 : end;
		*end = 0;
		parse_line(line);
		line = next;
	}
}

int main(int argc, char **argv)
{
	load_config(argc > 1 ? argv[1] : 0);
	for (int i = 0; i < noptions; i++) {
		print(options[i].name);
		print("=");
		print_number(options[i].value);
		print("\n");
	}
	return 0;
}

// The stack ends at _start: rip is undefined in its caller, as the ABI has it.
__asm__(".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	xor %ebp, %ebp\n"
	"	mov (%rsp), %rdi\n"
	"	lea 8(%rsp), %rsi\n"
	"	call main\n"
	"	mov %eax, %edi\n"
	"	mov $60, %eax\n"
	"	syscall\n"
	"	.cfi_endproc\n"
	"	.size _start, . - _start\n");
