/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

/* What the library says happened, and what that means here. What is not named may be tried again. */
static const struct {
	S3Status library;
	enum migrate_status status;
} statuses[] = {
	{ S3StatusOK, MIGRATE_OK },
	{ S3StatusOutOfMemory, MIGRATE_UNAVAILABLE },
	{ S3StatusInterrupted, MIGRATE_CANCELLED },
	{ S3StatusInvalidBucketNameTooLong, MIGRATE_INVALID },
	{ S3StatusInvalidBucketNameFirstCharacter, MIGRATE_INVALID },
	{ S3StatusInvalidBucketNameCharacter, MIGRATE_INVALID },
	{ S3StatusInvalidBucketNameCharacterSequence, MIGRATE_INVALID },
	{ S3StatusInvalidBucketNameTooShort, MIGRATE_INVALID },
	{ S3StatusInvalidBucketNameDotQuadNotation, MIGRATE_INVALID },
	{ S3StatusQueryParamsTooLong, MIGRATE_INVALID },
	{ S3StatusMetaDataHeadersTooLong, MIGRATE_INVALID },
	{ S3StatusBadMetaData, MIGRATE_INVALID },
	{ S3StatusBadContentType, MIGRATE_INVALID },
	{ S3StatusContentTypeTooLong, MIGRATE_INVALID },
	{ S3StatusBadCacheControl, MIGRATE_INVALID },
	{ S3StatusCacheControlTooLong, MIGRATE_INVALID },
	{ S3StatusBadContentEncoding, MIGRATE_INVALID },
	{ S3StatusContentEncodingTooLong, MIGRATE_INVALID },
	{ S3StatusHeadersTooLong, MIGRATE_INVALID },
	{ S3StatusKeyTooLong, MIGRATE_INVALID },
	{ S3StatusUriTooLong, MIGRATE_INVALID },
	{ S3StatusNameLookupError, MIGRATE_UNAVAILABLE },
	{ S3StatusFailedToConnect, MIGRATE_UNAVAILABLE },
	{ S3StatusServerFailedVerification, MIGRATE_UNAVAILABLE },
	{ S3StatusErrorAccessDenied, MIGRATE_DENIED },
	{ S3StatusErrorAccountProblem, MIGRATE_DENIED },
	{ S3StatusErrorBadDigest, MIGRATE_MISMATCH },
	{ S3StatusErrorEntityTooLarge, MIGRATE_INVALID },
	{ S3StatusErrorExpiredToken, MIGRATE_DENIED },
	{ S3StatusErrorIncompleteBody, MIGRATE_MISMATCH },
	{ S3StatusErrorInvalidAccessKeyId, MIGRATE_DENIED },
	{ S3StatusErrorInvalidArgument, MIGRATE_INVALID },
	{ S3StatusErrorInvalidBucketName, MIGRATE_INVALID },
	{ S3StatusErrorInvalidDigest, MIGRATE_MISMATCH },
	{ S3StatusErrorInvalidRange, MIGRATE_CHANGED },
	{ S3StatusErrorInvalidSecurity, MIGRATE_DENIED },
	{ S3StatusErrorInvalidToken, MIGRATE_DENIED },
	{ S3StatusErrorInvalidURI, MIGRATE_INVALID },
	{ S3StatusErrorKeyTooLong, MIGRATE_INVALID },
	{ S3StatusErrorMetadataTooLarge, MIGRATE_INVALID },
	{ S3StatusErrorMethodNotAllowed, MIGRATE_UNSUPPORTED },
	{ S3StatusErrorMissingContentLength, MIGRATE_UNSUPPORTED },
	{ S3StatusErrorNoSuchBucket, MIGRATE_UNAVAILABLE },
	{ S3StatusErrorNoSuchKey, MIGRATE_NOT_FOUND },
	{ S3StatusErrorNotImplemented, MIGRATE_UNSUPPORTED },
	{ S3StatusErrorNotSignedUp, MIGRATE_DENIED },
	{ S3StatusErrorPermanentRedirect, MIGRATE_UNAVAILABLE },
	{ S3StatusErrorPreconditionFailed, MIGRATE_CHANGED },
	{ S3StatusErrorRedirect, MIGRATE_UNAVAILABLE },
	{ S3StatusErrorRequestTimeTooSkewed, MIGRATE_DENIED },
	{ S3StatusErrorSignatureDoesNotMatch, MIGRATE_DENIED },
	{ S3StatusErrorSlowDown, MIGRATE_THROTTLED },
	{ S3StatusErrorTemporaryRedirect, MIGRATE_UNAVAILABLE },
	{ S3StatusHttpErrorMovedTemporarily, MIGRATE_UNAVAILABLE },
	{ S3StatusHttpErrorBadRequest, MIGRATE_INVALID },
	{ S3StatusHttpErrorForbidden, MIGRATE_DENIED },
	{ S3StatusHttpErrorNotFound, MIGRATE_NOT_FOUND },
};

enum migrate_status libs3_status_of(S3Status status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].library == status)
			return statuses[i].status;
	return MIGRATE_TRANSIENT;
}

/* What a name of the library's does not say of itself. */
static const char *hint(S3Status status)
{
	switch (status) {
	case S3StatusErrorSignatureDoesNotMatch:
	case S3StatusErrorInvalidAccessKeyId:
		return "; look at access_key and secret_key";
	case S3StatusErrorRequestTimeTooSkewed:
		return "; the clocks here and there differ";
	case S3StatusFailedToConnect:
	case S3StatusNameLookupError:
		return "; look at endpoint, and whether it is up";
	case S3StatusErrorNoSuchBucket:
		return "; there is no such bucket";
	case S3StatusErrorPermanentRedirect:
	case S3StatusErrorTemporaryRedirect:
	case S3StatusErrorRedirect:
	case S3StatusHttpErrorMovedTemporarily:
		return "; the bucket is at another endpoint, or wants another path_style";
	case S3StatusXmlParseFailure:
		return "; its answer is no XML that libs3 can read, as the listing of a key with "
		       "control "
		       "characters is none";
	case S3StatusConnectionFailed:
		return "; the connection broke, or moved less than 1 KiB a second for 15 seconds";
	default:
		return "";
	}
}

enum migrate_status libs3_result(const struct libs3_call *c, const char *what)
{
	enum migrate_status status = libs3_status_of(c->status);

	if (c->stopped != MIGRATE_OK)
		return c->stopped;
	if (status == MIGRATE_OK)
		return MIGRATE_OK;
	return migrate_fail(c->s->ms, status, "%s: libs3 says %s%s%s%s", what,
			    S3_get_status_name(c->status), hint(c->status),
			    c->message[0] ? ": " : "", c->message);
}

/*
 * libs3 2.0 reads the answer's status before the body of a request has left. So OK may
 * be an error without a document, and ConnectionFailed a success.
 */
bool libs3_in_doubt(const struct libs3_call *c)
{
	return c->stopped == MIGRATE_OK &&
	       (c->status == S3StatusOK || c->status == S3StatusConnectionFailed ||
		c->status == S3StatusInternalError);
}
