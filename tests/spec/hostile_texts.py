"""Texts of the largest size that a reader could be kept busy with, each to be refused at once."""

SMALL = """\
program: small
policy: {change: clarification}
people: {ops: {members: [m.tan@example.com]}}
stages: {launch: {tasks: {switch: {title: Switch it on, team: ops}}}}
"""

HOSTILE = {
    "nested lists": "[" * 900_000,
    "nested mappings": "{a: " * 200_000,
    "nested block lists": "- " * 400_000,
    "nested complex keys": "? " * 400_000,
    "a long list": "program: [" + "a," * 450_000 + "]",
    "many keys": "".join(f"k{number}:\n" for number in range(100_000)),
    "many aliases": "a: &a b\nc: [" + "*a," * 200_000 + "]",
    "many directives": "%TAG !a! x\n" * 80_000,
    "many directives behind the document": "a: b\n...\n" + "%TAG !a! x\n" * 80_000,
    "a long anchor": "a: &" + "b" * 900_000,
    "a quote that stays open": "a: '" + "\n" * 900_000,
    "comments only": "#\n" * 400_000,
    "comments behind the document": "a: b\n...\n" + " #\n" * 300_000 + "b",
    "many unknown roles": SMALL
    + "silence:\n"
    + "".join(f"  a{number}: because\n" for number in range(40_000)),
    "stages in a long chain that leads nowhere": SMALL.replace(
        "stages: {launch", "people-: {launch"
    )
    + "stages:\n"
    + "".join(f"  launch-{number}: {{after: [launch-{number + 1}]}}\n" for number in range(5_000)),
}
