/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>

/* The server proves who it is, always: there is no option that lets it off. */

static const char *reason(void)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = error ? ERR_reason_error_string(error) : NULL;

	return text ? text : "TLS failed";
}

static enum migrate_status cannot_use(struct migrate_session *session, const char *option,
				      const char *path)
{
	return migrate_fail(session, MIGRATE_INVALID, "%s: cannot use '%s': %s", option, path,
			    reason());
}

enum migrate_status tls_prepare(struct migrate_session *session, const struct redis_config *c,
				struct instance *inst)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	inst->tls = ctx;
	if (!ctx)
		return migrate_fail(session, MIGRATE_UNAVAILABLE, "out of memory");
	ERR_clear_error();
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (c->tls_ca ? !SSL_CTX_load_verify_file(ctx, c->tls_ca)
		      : !SSL_CTX_set_default_verify_paths(ctx))
		return cannot_use(session, "tls_ca", c->tls_ca ? c->tls_ca : "the system's");
	if (c->tls_certificate && SSL_CTX_use_certificate_chain_file(ctx, c->tls_certificate) != 1)
		return cannot_use(session, "tls_certificate", c->tls_certificate);
	if (c->tls_key && (SSL_CTX_use_PrivateKey_file(ctx, c->tls_key, SSL_FILETYPE_PEM) != 1 ||
			   SSL_CTX_check_private_key(ctx) != 1))
		return cannot_use(session, "tls_key", c->tls_key);
	return MIGRATE_OK;
}

/* The certificate must be for this name, or for this address. */
static bool expect_name(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
}

static enum migrate_status refused(struct self *self)
{
	long verdict = SSL_get_verify_result(self->ssl);

	if (verdict != X509_V_OK)
		return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
				    "the server's certificate is not to be trusted: %s; name the "
				    "authority with tls_ca, and the server as its certificate does",
				    X509_verify_cert_error_string(verdict));
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
			    "cannot begin TLS: %s; is this the port for TLS?", reason());
}

static enum migrate_status shake_hands(struct self *self)
{
	int result;

	while ((result = SSL_connect(self->ssl)) != 1) {
		int error = SSL_get_error(self->ssl, result), ready;

		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			return refused(self);
		ready = migrate_wait(self->session, self->fd,
				     error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, -1);
		if (ready < 0 && migrate_cancelled(self->session))
			return migrate_fail(self->session, MIGRATE_CANCELLED, "cancelled");
		if (ready <= 0)
			return migrate_fail(
			    self->session, MIGRATE_UNAVAILABLE,
			    "cannot begin TLS: the server has not answered in time; is "
			    "this the port for TLS?");
	}
	return MIGRATE_OK;
}

enum migrate_status tls_begin(struct self *self)
{
	ERR_clear_error();
	self->ssl = SSL_new(self->instance->tls);
	if (!self->ssl || SSL_set_fd(self->ssl, self->fd) != 1 ||
	    !expect_name(self->ssl, self->instance->address.host))
		return migrate_fail(self->session, MIGRATE_UNAVAILABLE, "cannot begin TLS: %s",
				    reason());
	return shake_hands(self);
}
