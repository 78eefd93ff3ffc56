# Prints, as a line of JSON each, what the functions in FUNCTIONS return.
import gdb, json, os

names = os.environ["FUNCTIONS"].split()
for name in names:
    gdb.execute("break -qualified " + name, to_string=True)
gdb.execute("run results", to_string=True)
while gdb.selected_inferior().pid:
    function = gdb.selected_frame().function()
    gdb.execute("finish", to_string=True)
    value = gdb.execute("print $", to_string=True).partition(" = ")[2].strip()
    print(json.dumps({"function": function.name.partition("(")[0], "value": value}))
    gdb.execute("continue", to_string=True)
