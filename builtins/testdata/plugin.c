// Plugin is a library, for plugins.c to load.

long cell;

long plug(long n) { return cell = n; }
