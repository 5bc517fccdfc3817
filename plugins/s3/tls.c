/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/*
 * What the sessions of an instance share: the certificates that are trusted (parsing a
 * bundle costs a megabyte), TLS sessions, which spare all connections but the first the
 * long handshake, and the addresses of names.
 */
struct s3_share {
	CURLSH *handle;
	pthread_mutex_t locks[CURL_LOCK_DATA_LAST];
};

static void on_lock(CURL *curl, curl_lock_data what, curl_lock_access access, void *arg)
{
	struct s3_share *share = arg;

	(void)curl, (void)access;
	pthread_mutex_lock(&share->locks[what]);
}

static void on_unlock(CURL *curl, curl_lock_data what, void *arg)
{
	struct s3_share *share = arg;

	(void)curl;
	pthread_mutex_unlock(&share->locks[what]);
}

static struct s3_share *new_share(void)
{
	struct s3_share *share = calloc(1, sizeof(*share));

	if (!share)
		return NULL;
	share->handle = curl_share_init();
	if (!share->handle) {
		free(share);
		return NULL;
	}
	for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
		pthread_mutex_init(&share->locks[i], NULL);
	curl_share_setopt(share->handle, CURLSHOPT_USERDATA, share);
	curl_share_setopt(share->handle, CURLSHOPT_LOCKFUNC, on_lock);
	curl_share_setopt(share->handle, CURLSHOPT_UNLOCKFUNC, on_unlock);
	curl_share_setopt(share->handle, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(share->handle, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	return share;
}

/* After all sessions ended. */
void s3_tls_release(struct s3 *s3)
{
	struct s3_share *share = s3->share;

	X509_STORE_free(s3->trust);
	s3->trust = NULL;
	s3->share = NULL;
	if (!share)
		return;
	curl_share_cleanup(share->handle);
	for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
		pthread_mutex_destroy(&share->locks[i]);
	free(share);
}

enum migrate_status s3_tls_init(struct s3 *s3, struct migrate_session *ms)
{
	const char *file = s3->config.ca_file;
	curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	s3->share = new_share();
	if (!s3->share)
		return migrate_fail(ms, MIGRATE_UNAVAILABLE, "out of memory");
	/* another library than OpenSSL below libcurl reads the file by itself */
	if (!v->ssl_version || strncmp(v->ssl_version, "OpenSSL", 7) != 0)
		return MIGRATE_OK;
	s3->trust = X509_STORE_new();
	if (!s3->trust)
		return migrate_fail(ms, MIGRATE_UNAVAILABLE, "out of memory");
	if (file ? X509_STORE_load_file(s3->trust, file) : X509_STORE_set_default_paths(s3->trust))
		return MIGRATE_OK;
	return migrate_fail(ms, MIGRATE_INVALID,
			    "ca_file: no certificates, in PEM, can be read from '%s'",
			    file ? file : "the system's own");
}

static CURLcode on_tls(CURL *curl, void *context, void *arg)
{
	const struct s3 *s3 = arg;

	(void)curl;
	SSL_CTX_set1_cert_store(context, s3->trust);
	return CURLE_OK;
}

void s3_tls_give(const struct s3 *s3, CURL *c)
{
	curl_easy_setopt(c, CURLOPT_SHARE, s3->share->handle);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (s3->trust) {
		curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls);
		curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, (void *)s3);
	} else if (s3->config.ca_file) {
		curl_easy_setopt(c, CURLOPT_CAINFO, s3->config.ca_file);
	}
}
