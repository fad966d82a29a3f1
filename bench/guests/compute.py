# What the bench runs in CPython: loops, dictionaries, generators, big integers, strings, exceptions.
import hashlib


def primes(limit):
    sieve = bytearray([1]) * (limit + 1)
    for number in range(2, limit + 1):
        if sieve[number]:
            yield number
            for multiple in range(number * number, limit + 1, number):
                sieve[multiple] = 0


class Node:
    def __init__(self, left, right):
        self.left, self.right = left, right

    def size(self):
        return 1 + (self.left.size() if self.left else 0) + (self.right.size() if self.right else 0)


def tree(depth):
    return Node(tree(depth - 1), tree(depth - 1)) if depth else Node(None, None)


def careful(values):
    wrong = 0
    for value in values:
        try:
            if value % 7 == 0:
                raise ValueError(value)
            1 // (value % 5)
        except (ValueError, ZeroDivisionError):
            wrong += 1
    return wrong


words = {}
for number in primes(20000):
    words[str(number % 977)] = words.get(str(number % 977), 0) + number
factorial = 1
for number in range(1, 500):
    factorial *= number
text = ",".join(sorted(f"{key}:{value}" for key, value in words.items()))
digest = hashlib.sha256((text + str(factorial)).encode()).hexdigest()
print(digest, tree(11).size(), careful(range(20000)), sum(i * i % 17 for i in range(60000)))
