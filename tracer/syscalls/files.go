package syscalls

import "golang.org/x/sys/unix"

// fileMode shows a file's type and permissions.
func fileMode(name string, v uint64) field {
	return field{name, func(c *call) {
		if kind := nameOf("filetype", v&unix.S_IFMT); kind != "" {
			c.add(kind, "|")
		}
		for _, bit := range []struct {
			name string
			bits uint64
		}{{"S_ISUID", unix.S_ISUID}, {"S_ISGID", unix.S_ISGID}, {"S_ISVTX", unix.S_ISVTX}} {
			if v&bit.bits != 0 {
				c.add(bit.name, "|")
			}
		}
		c.octal(v & 0o777)
	}}
}

func device(name string, major, minor uint32) field {
	return field{name, func(c *call) {
		c.add("makedev(")
		c.hex(uint64(major))
		c.add(", ")
		c.hex(uint64(minor))
		c.add(")")
	}}
}

func isDevice(mode uint64) bool {
	return mode&unix.S_IFMT == unix.S_IFCHR || mode&unix.S_IFMT == unix.S_IFBLK
}

func (c *call) stat(v uint64, _ int) {
	s, ok := c.structure(v, 144)
	if !ok {
		return
	}
	mode := s.u32(24)
	rdev := device("st_rdev", unix.Major(s.u64(40)), unix.Minor(s.u64(40)))
	size := signedField("st_size", s.i64(48))
	switch {
	case c.d.Whole:
		fields := []field{device("st_dev", unix.Major(s.u64(0)), unix.Minor(s.u64(0))), unsignedField("st_ino", s.u64(8)), fileMode("st_mode", mode),
			unsignedField("st_nlink", s.u64(16)), unsignedField("st_uid", s.u32(28)), unsignedField("st_gid", s.u32(32)),
			signedField("st_blksize", s.i64(56)), signedField("st_blocks", s.i64(64)), size}
		if isDevice(mode) {
			fields[len(fields)-1] = rdev
		}
		for i, name := range []string{"st_atime", "st_mtime", "st_ctime"} {
			fields = append(fields, signedField(name, s.i64(72+16*i)), signedField(name+"_nsec", s.i64(80+16*i)))
		}
		c.record(false, fields...)
	case isDevice(mode):
		c.record(true, fileMode("st_mode", mode), rdev)
	default:
		c.record(true, fileMode("st_mode", mode), size)
	}
}

func (c *call) statx(v uint64, _ int) {
	s, ok := c.structure(v, 256)
	if !ok {
		return
	}
	mode := s.u16(28)
	fields := []field{setField("stx_mask", "statx", s.u32(0))}
	if c.d.Whole {
		fields = append(fields, unsignedField("stx_blksize", s.u32(4)))
	}
	fields = append(fields, setField("stx_attributes", "statx_attr", s.u64(8)))
	if c.d.Whole {
		fields = append(fields, unsignedField("stx_nlink", s.u32(16)), unsignedField("stx_uid", s.u32(20)), unsignedField("stx_gid", s.u32(24)))
	}
	fields = append(fields, fileMode("stx_mode", mode))
	if c.d.Whole {
		fields = append(fields, unsignedField("stx_ino", s.u64(32)))
	}
	fields = append(fields, unsignedField("stx_size", s.u64(40)))
	if c.d.Whole {
		fields = append(fields, unsignedField("stx_blocks", s.u64(48)), device("stx_rdev", uint32(s.u32(128)), uint32(s.u32(132))), device("stx_dev", uint32(s.u32(136)), uint32(s.u32(140))))
	}
	c.record(!c.d.Whole, fields...)
}

// fileSystems are the names of common f_type (linux/magic.h).
var fileSystems = map[uint64]string{
	0xef53: "EXT2_SUPER_MAGIC", 0x1021994: "TMPFS_MAGIC", 0x9fa0: "PROC_SUPER_MAGIC", 0x62656572: "SYSFS_MAGIC", 0x58465342: "XFS_SUPER_MAGIC",
	0x9123683e: "BTRFS_SUPER_MAGIC", 0x794c7630: "OVERLAYFS_SUPER_MAGIC", 0x1cd1: "DEVPTS_SUPER_MAGIC", 0x27e0eb: "CGROUP_SUPER_MAGIC",
	0x63677270: "CGROUP2_SUPER_MAGIC", 0x6969: "NFS_SUPER_MAGIC", 0x4d44: "MSDOS_SUPER_MAGIC", 0x65735546: "FUSE_SUPER_MAGIC",
	0x73717368: "SQUASHFS_MAGIC", 0xf97cff8c: "SELINUX_MAGIC", 0x50495045: "PIPEFS_MAGIC", 0x534f434b: "SOCKFS_MAGIC",
}

func (c *call) statfs(v uint64, _ int) {
	s, ok := c.structure(v, 120)
	if !ok {
		return
	}
	c.record(false,
		field{"f_type", func(c *call) {
			if name := fileSystems[s.u64(0)]; name != "" {
				c.add(name)
				return
			}
			c.hex(s.u64(0))
		}},
		signedField("f_bsize", s.i64(8)), unsignedField("f_blocks", s.u64(16)), unsignedField("f_bfree", s.u64(24)),
		unsignedField("f_bavail", s.u64(32)), unsignedField("f_files", s.u64(40)), unsignedField("f_ffree", s.u64(48)),
		field{"f_fsid", func(c *call) {
			c.add("{val=[")
			c.hex(s.u32(56))
			c.add(", ")
			c.hex(s.u32(60))
			c.add("]}")
		}},
		signedField("f_namelen", s.i64(64)), signedField("f_frsize", s.i64(72)), field{"f_flags", func(c *call) { c.add(mountFlags(s.u64(80))) }})
}

// mountFlags returns f_flags (linux/statfs.h).
func mountFlags(v uint64) string {
	names := [...]string{"ST_RDONLY", "ST_NOSUID", "ST_NODEV", "ST_NOEXEC", "ST_SYNCHRONOUS", "ST_VALID", "ST_MANDLOCK", "ST_WRITE", "ST_APPEND", "ST_IMMUTABLE", "ST_NOATIME", "ST_NODIRATIME", "ST_RELATIME", "ST_NOSYMFOLLOW"}
	text := ""
	if v&0x20 != 0 { // strace has it first
		text, v = "|ST_VALID", v&^0x20
	}
	for i, name := range names {
		if v>>i&1 != 0 {
			text += "|" + name
		}
	}
	if text == "" {
		return "0"
	}
	return text[1:]
}
