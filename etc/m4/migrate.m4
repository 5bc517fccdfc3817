dnl SPDX-License-Identifier: MIT

dnl MIGRATE_TRY_CFLAG(FLAG, VARIABLE): add FLAG to VARIABLE when the compiler
dnl takes it without a word of complaint, together with the builder's CFLAGS.
AC_DEFUN([MIGRATE_TRY_CFLAG], [
AS_VAR_PUSHDEF([known], [migrate_cv_cflag_$1])dnl
AC_CACHE_CHECK([whether $CC accepts $1], [known], [
	migrate_saved=$CFLAGS
	CFLAGS="$CFLAGS -Werror $1"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[]])],
		[AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
	CFLAGS=$migrate_saved
])
AS_VAR_IF([known], [yes], [$2="$$2 $1"])
AS_VAR_POPDEF([known])dnl
])

dnl MIGRATE_TRY_LDFLAG(FLAG, VARIABLE): the same for the linker.
AC_DEFUN([MIGRATE_TRY_LDFLAG], [
AS_VAR_PUSHDEF([known], [migrate_cv_ldflag_$1])dnl
AC_CACHE_CHECK([whether the linker accepts $1], [known], [
	migrate_saved=$LDFLAGS
	LDFLAGS="$LDFLAGS -Werror $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
	LDFLAGS=$migrate_saved
])
AS_VAR_IF([known], [yes], [$2="$$2 $1"])
AS_VAR_POPDEF([known])dnl
])

AC_DEFUN([MIGRATE_SANITIZERS], [
AC_ARG_ENABLE([sanitizers],
	[AS_HELP_STRING([--enable-sanitizers=LIST],
		[build with these sanitizers: address,undefined or thread])],
	[migrate_sanitizers=$enableval], [migrate_sanitizers=no])
AS_CASE([$migrate_sanitizers], [yes], [migrate_sanitizers=address,undefined])
SANITIZER_CFLAGS=
AS_IF([test "$migrate_sanitizers" != no], [
	SANITIZER_CFLAGS="-fsanitize=$migrate_sanitizers -fno-omit-frame-pointer"
	AS_CASE([$migrate_sanitizers], [*undefined*],
		[SANITIZER_CFLAGS="$SANITIZER_CFLAGS -fno-sanitize-recover=all"])
	migrate_saved=$CFLAGS
	CFLAGS="$CFLAGS $SANITIZER_CFLAGS"
	AC_MSG_CHECKING([whether $CC can build with $SANITIZER_CFLAGS])
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([the compiler lacks the sanitizers $migrate_sanitizers])])
	CFLAGS=$migrate_saved
])
AC_SUBST([SANITIZER_CFLAGS])
AC_SUBST([SANITIZERS], [$migrate_sanitizers])
])

dnl Fuzz targets always exist, and replay their corpus; with this they also search.
AC_DEFUN([MIGRATE_FUZZING], [
AC_ARG_ENABLE([fuzzing],
	[AS_HELP_STRING([--enable-fuzzing], [build the fuzz targets with libFuzzer (clang)])],
	[], [enable_fuzzing=no])
FUZZING_CFLAGS=
FUZZING_LDFLAGS=
AS_IF([test "$enable_fuzzing" = yes], [
	FUZZING_CFLAGS=-fsanitize=fuzzer-no-link
	FUZZING_LDFLAGS=-fsanitize=fuzzer
	migrate_saved=$CFLAGS
	CFLAGS="$CFLAGS $FUZZING_CFLAGS"
	AC_MSG_CHECKING([whether $CC has libFuzzer])
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([--enable-fuzzing needs clang: ./configure CC=clang])])
	CFLAGS=$migrate_saved
])
SANITIZER_CFLAGS="$SANITIZER_CFLAGS $FUZZING_CFLAGS"
AC_SUBST([FUZZING_LDFLAGS])
AC_SUBST([FUZZING], [$enable_fuzzing])
AM_CONDITIONAL([FUZZING], [test "$enable_fuzzing" = yes])
])

AC_DEFUN([MIGRATE_WARNINGS], [
AC_ARG_ENABLE([werror],
	[AS_HELP_STRING([--enable-werror], [treat warnings as errors])], [], [enable_werror=no])
WARNING_CFLAGS=
m4_foreach_w([flag], [-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla
		-Wimplicit-fallthrough -Wmissing-prototypes -Wstrict-prototypes
		-Wpointer-arith -Wwrite-strings -Wundef
		-Werror=implicit-function-declaration
		-Werror=incompatible-pointer-types -Werror=int-conversion],
	[MIGRATE_TRY_CFLAG(flag, [WARNING_CFLAGS])])
MIGRATE_TRY_CFLAG([-Wformat=2 -Werror=format-security], [WARNING_CFLAGS])
AS_IF([test "$enable_werror" = yes], [WARNING_CFLAGS="$WARNING_CFLAGS -Werror"])
AC_SUBST([WARNING_CFLAGS])
])

dnl Code generation: what makes a mistake stop early. Sanitizers want the plain thing.
AC_DEFUN([MIGRATE_HARDENING], [
CODE_CFLAGS=
HARDENING_LDFLAGS=
PROGRAM_CFLAGS=
PROGRAM_LDFLAGS=
PLUGIN_LDFLAGS=
m4_foreach_w([flag], [-std=gnu11 -pthread -fno-strict-aliasing -fno-delete-null-pointer-checks
		-fno-strict-overflow -fno-semantic-interposition],
	[MIGRATE_TRY_CFLAG(flag, [CODE_CFLAGS])])
m4_foreach_w([flag], [-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed],
	[MIGRATE_TRY_LDFLAG(m4_defn([flag]), [HARDENING_LDFLAGS])])
MIGRATE_TRY_LDFLAG([-Wl,-z,nodelete], [PLUGIN_LDFLAGS])
AS_IF([test "$migrate_sanitizers" = no], [
	migrate_fortify=
	MIGRATE_TRY_CFLAG([-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3], [migrate_fortify])
	AS_IF([test -z "$migrate_fortify"],
		[MIGRATE_TRY_CFLAG([-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2], [migrate_fortify])])
	CODE_CFLAGS="$CODE_CFLAGS$migrate_fortify"
	m4_foreach_w([flag], [-fstack-protector-strong -fstack-clash-protection
			-fcf-protection=full -mbranch-protection=standard
			-ftrivial-auto-var-init=zero],
		[MIGRATE_TRY_CFLAG(flag, [CODE_CFLAGS])])
	MIGRATE_TRY_LDFLAG([-Wl,--no-undefined], [HARDENING_LDFLAGS])
])
MIGRATE_TRY_CFLAG([-fPIE], [PROGRAM_CFLAGS])
MIGRATE_TRY_LDFLAG([-pie], [PROGRAM_LDFLAGS])
AC_SUBST([CODE_CFLAGS])
AC_SUBST([HARDENING_LDFLAGS])
AC_SUBST([PROGRAM_CFLAGS])
AC_SUBST([PROGRAM_LDFLAGS])
AC_SUBST([PLUGIN_LDFLAGS])
])

dnl MIGRATE_PLUGIN(NAME[, VARIABLE, MODULES]): --disable-NAME-plugin, the
dnl conditional PLUGIN_<NAME>, VARIABLE_CFLAGS and VARIABLE_LIBS when it needs
dnl a library, and its line in the closing table.
AC_DEFUN([MIGRATE_PLUGIN], [
AC_ARG_ENABLE([$1-plugin],
	[AS_HELP_STRING([--disable-$1-plugin], [do not build the plugin $1])],
	[migrate_wanted=$enableval], [migrate_wanted=yes])
migrate_state=yes
AS_IF([test "$migrate_wanted" = no], [migrate_state='no: disabled'])
m4_ifval([$3], [AS_IF([test "$migrate_state" = yes],
	[PKG_CHECK_MODULES([$2], [$3], [],
		[migrate_state='no: pkg-config does not know $3'])])])
migrate_plugin_table="$migrate_plugin_table$(printf '\n   %-10s %s' '$1' "$migrate_state")"
AM_CONDITIONAL([PLUGIN_]m4_toupper([$1]), [test "$migrate_state" = yes])
])

dnl MIGRATE_PLUGIN_LIBRARY(NAME, VARIABLE, HEADER, LIBRARY, FUNCTION): the same for a
dnl library that pkg-config does not know; the builder may set VARIABLE_CFLAGS and _LIBS.
AC_DEFUN([MIGRATE_PLUGIN_LIBRARY], [
AC_ARG_VAR([$2_CFLAGS], [compiler flags for the library $4 of the plugin $1])
AC_ARG_VAR([$2_LIBS], [linker flags for it @<:@-l$4@:>@])
AC_ARG_ENABLE([$1-plugin],
	[AS_HELP_STRING([--disable-$1-plugin], [do not build the plugin $1])],
	[migrate_wanted=$enableval], [migrate_wanted=yes])
migrate_state=yes
: "${$2_LIBS=-l$4}"
AS_IF([test "$migrate_wanted" = no], [migrate_state='no: disabled'], [
	migrate_saved_CPPFLAGS=$CPPFLAGS
	migrate_saved_LIBS=$LIBS
	CPPFLAGS="$CPPFLAGS $$2_CFLAGS"
	LIBS="$$2_LIBS $LIBS"
	AC_MSG_CHECKING([for $5 in $$2_LIBS])
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <$3>]], [[return !$5;]])],
		[AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		migrate_state='no: the library $4 with its header $3 was not found'])
	CPPFLAGS=$migrate_saved_CPPFLAGS
	LIBS=$migrate_saved_LIBS
])
migrate_plugin_table="$migrate_plugin_table$(printf '\n   %-10s %s' '$1' "$migrate_state")"
AM_CONDITIONAL([PLUGIN_]m4_toupper([$1]), [test "$migrate_state" = yes])
])

dnl libs3 4 signs in version 4 and takes more arguments than 2.0; it says so in no macro.
AC_DEFUN([MIGRATE_LIBS3_VERSION], [
migrate_saved_CPPFLAGS=$CPPFLAGS
CPPFLAGS="$CPPFLAGS $LIBS3_CFLAGS"
AC_CHECK_MEMBER([S3BucketContext.authRegion], [LIBS3_CFLAGS="$LIBS3_CFLAGS -DLIBS3_SIGV4"],
	[], [[#include <libs3.h>]])
CPPFLAGS=$migrate_saved_CPPFLAGS
])
