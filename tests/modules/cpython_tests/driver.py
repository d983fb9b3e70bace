"""Runs inside CPython on WASI: driver.py MODULE [ID...].  The tests of test.MODULE but those named, a line for each:

    start ID
    end ID pass|fail|skip [the last line of what was raised, or the reason of the skip]

A test that ends the interpreter has a start and no end."""

import sys
import unittest


class Lines(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.verdict = "pass", ""
        print("start", test.id(), flush=True)

    def stopTest(self, test):
        super().stopTest(test)
        print("end", test.id(), *self.verdict, flush=True)

    def failed(self, error):
        if self.verdict[0] == "pass":
            self.verdict = "fail", f"{error[0].__name__}: {error[1]}".splitlines()[0]

    def addError(self, test, error):
        super().addError(test, error)
        if isinstance(test, unittest.TestCase):
            self.failed(error)
        else:  # the set-up of a class or module
            print("end", test.id(), "fail", f"{error[0].__name__}: {error[1]}".splitlines()[0], flush=True)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.failed(error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.failed(error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.verdict = "skip", reason

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.verdict = "fail", "unexpected success"


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


done = set(sys.argv[2:])
# Not flat: a TestSuite runs the set-up of classes and modules.
everything = unittest.defaultTestLoader.loadTestsFromName("test." + sys.argv[1])
unittest.TestSuite(test for test in flat(everything) if test.id() not in done).run(Lines())
print("complete", flush=True)
