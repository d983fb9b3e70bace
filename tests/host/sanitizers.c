/* The monitor under AddressSanitizer: its command line ends with words that it never gives back,
 * and says so by no leak.  Leaks of the library are looked for by tests/embed/run.py --san. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0:detect_stack_use_after_return=1:strict_string_checks=1";
}
