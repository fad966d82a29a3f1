# The program that travels: loops, generators, dictionaries, big integers, exceptions and recursion, a line at a time.
import sys


def primes(limit):
    sieve = bytearray([1]) * limit
    for n in range(2, limit):
        if sieve[n]:
            yield n
            for multiple in range(n * n, limit, n):
                sieve[multiple] = 0


def depth(n, seed):
    if n == 0:
        return seed % 97
    return (depth(n - 1, seed * 31 + n) * 7 + n) % 1000003


class Refused(Exception):
    pass


def check(value):
    if value % 3 == 0:
        raise Refused(value)
    return value


counts = {}
power = 1
source = primes(10 ** 9 // 2000)
total = 0.0
for step in range(40):
    refused = 0
    for _ in range(900):
        prime = next(source)
        power = power * prime % (1 << 4423)
        key = "k%d" % (power % 211)
        counts[key] = counts.get(key, 0) + 1
        try:
            check(prime + step)
        except Refused:
            refused += 1
        total += 1.0 / prime
    for _ in range(40):
        step_depth = depth(60, step + refused)
    best = max(counts.items(), key=lambda item: (item[1], item[0]))
    print(step, prime, refused, step_depth, best, repr(total), power % 10 ** 30, flush=True)
    if step % 10 == 9:
        print("step", step, file=sys.stderr, flush=True)
sys.exit(len(counts) % 7 + 3)
