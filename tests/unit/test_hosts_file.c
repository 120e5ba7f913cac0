/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* /etc/hosts: what a line may look like, and what is no line of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/compat.h"
#include "engine/hosts_file.h"
#include "engine/prefix.h"

static char seen[512];

static void
note(void *arg, const struct addr *addr, const char *name)
{
	char text[PREFIX_STRLEN];

	(void)arg;
	strlcat(seen, addr_format(addr, text, sizeof(text)), sizeof(seen));
	strlcat(seen, "=", sizeof(seen));
	strlcat(seen, name, sizeof(seen));
	strlcat(seen, " ", sizeof(seen));
}

static int
read_text(const char *text)
{
	char path[] = "/tmp/trapline-hosts-XXXXXX";
	int fd = mkstemp(path), status;

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	seen[0] = '\0';
	status = hosts_file_read(path, note, NULL);
	unlink(path);
	return status;
}

static void
an_address_has_every_name_of_its_line(void **state)
{
	(void)state;
	assert_int_equal(read_text("192.0.2.1\ta.example.org  a # b\r\n"
				   "2001:db8::1 a.example.org"),
	    0);
	assert_string_equal(seen, "192.0.2.1=a.example.org 192.0.2.1=a "
				  "2001:db8::1=a.example.org ");
}

static void
what_is_no_line_of_it_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(read_text("# 192.0.2.1 x\n\n \t\n192.0.2.1\n"
				   "192.0.2.256 y\nz 192.0.2.1\n"
				   "fe80::1%lo w\n192.0.2.9 v\n"),
	    0);
	assert_string_equal(seen, "192.0.2.9=v ");
}

static void
a_missing_file_is_told(void **state)
{
	(void)state;
	assert_int_equal(hosts_file_read("/nonexistent/hosts", note, NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_has_every_name_of_its_line),
	    cmocka_unit_test(what_is_no_line_of_it_is_skipped),
	    cmocka_unit_test(a_missing_file_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
