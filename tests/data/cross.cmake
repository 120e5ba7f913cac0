# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# A cross build as a test: the compiler is the system's own, but what it links
# names a dynamic loader that does not exist, so that no program which was just
# built can be run.  Try-compiles make libraries, as for a foreign system
# without a complete sysroot.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR cross)
set(CMAKE_C_COMPILER gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--dynamic-linker=/no/such/loader")
