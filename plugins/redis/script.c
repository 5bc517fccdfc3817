/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <openssl/evp.h>
#include <string.h>

/*
 * KEYS[1], old, new[, field]: what holds the old value gets the new one. A key that
 * is of another kind, gone, or holds something else is left alone. A string keeps
 * its time to live. 1: changed, 0: not, -1: of another kind.
 */
const char script_text[] = "if redis.replicate_commands then redis.replicate_commands() end\n"
			   "local key, old, new, field = KEYS[1], ARGV[1], ARGV[2], ARGV[3]\n"
			   "local kind = redis.call('TYPE', key).ok\n"
			   "if kind == 'none' then return 0 end\n"
			   "if kind ~= (field and 'hash' or 'string') then return -1 end\n"
			   "if field then\n"
			   "  if redis.call('HGET', key, field) ~= old then return 0 end\n"
			   "  redis.call('HSET', key, field, new)\n"
			   "  return 1\n"
			   "end\n"
			   "if redis.call('GET', key) ~= old then return 0 end\n"
			   "local left = redis.call('PTTL', key)\n"
			   "redis.call('SET', key, new)\n"
			   "if left > 0 then redis.call('PEXPIRE', key, left) end\n"
			   "return 1\n";

bool script_sha(char sha[41])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (EVP_Digest(script_text, strlen(script_text), digest, &n, EVP_sha1(), NULL) != 1 ||
	    n != 20)
		return false;
	for (size_t i = 0; i < n; i++) {
		sha[2 * i] = digits[digest[i] >> 4];
		sha[2 * i + 1] = digits[digest[i] & 15];
	}
	sha[40] = '\0';
	return true;
}
