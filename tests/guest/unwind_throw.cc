// SPDX-License-Identifier: GPL-2.0-only
// main → catches → throws × DEPTH → the C++ run-time's own unwinding: unwind.test samples exceptions while they fly.
#include <cstdlib>
#include <ctime>
#include <stdexcept>

#define FRAME __attribute__((noinline, noclone))

static FRAME void throws(int depth)
{
	if (!depth)
		throw std::runtime_error("thrown");
	throws(depth - 1);
	__asm__ volatile("");
}

static FRAME int catches()
{
	try {
		throws(10);
	} catch (const std::exception &e) {
		return e.what()[0];
	}
	return 0;
}

int main(int argc, char **argv)
{
	const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
	int sum = 0;

	while (std::clock() < seconds * CLOCKS_PER_SEC)
		sum += catches();
	return sum == 0;
}
