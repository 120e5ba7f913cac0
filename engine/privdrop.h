/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_PRIVDROP_H
#define TRAPLINE_ENGINE_PRIVDROP_H

/*
 * Makes this root process one of user's, for good: in chroot_dir with that as
 * its working directory, in no group but the user's own, without
 * capabilities, core dumps or a way back.  chroot_dir NULL: an empty place
 * that nobody can write to.  Ends the process, with what to do, when a part
 * cannot be had; the user must exist and not be root.
 */
void privdrop(const char *user, const char *chroot_dir);
/*
 * The user, who exists and is not root; else this process ends with what to
 * do.  As getpwnam(3) returns it.
 */
struct passwd;
const struct passwd *privdrop_find_user(const char *user);

/* For privdrop() alone; each system has its own. */

/* The command that makes the user, for the message that it is missing. */
#define PRIVDROP_ADVICE_LEN 160
void privdrop_advise(const char *user, char *out);
/* Checks that no privilege is left and closes what the system has open. */
void privdrop_seal(void);

#endif
