// A shared library of one function and one variable.
int library_variable = 1;

int library_function(void)
{
	return library_variable;
}
