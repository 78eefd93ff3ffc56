# Evaluates the expressions in a file where a program stops, and prints a line of JSON
# for each: its type and its value.
import gdb
import json
import os

gdb.execute("set pagination off")
gdb.execute("set exec-wrapper env -i")
gdb.execute("run")
for expression in open(os.environ["EXPRESSIONS"]):
    expression = expression.rstrip("\n")
    try:
        value = gdb.parse_and_eval(expression)
        answer = {"Type": str(value.type), "Value": value.format_string(deref_refs=True)}
    except gdb.error as e:
        answer = {"Error": str(e)}
    print("\n" + json.dumps(answer))
gdb.execute("kill")
