"""Attacks: what people's disks, files, processes and users do to the program, done on purpose, many times.

    python -m tests.attacks                             lists them, with what each promises
    python -m tests.attacks kills --tries 500 --seed 3  makes so many tries, prints a table, exits 1 if one failed
    python -m tests.attacks kills --seed 3 --only 17    repeats one try: what is random in it comes from both numbers

The tests run a short form of each but `races` (test_attacks.py); --long makes as many tries as before a release.

Each module is one attack: its docstring is the promise, and CASES are functions that make one try. A case returns where
all is right and raises UserError where the program refuses in one line; anything else is a failure.
"""
