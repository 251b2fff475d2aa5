// Package httpapi is the server's REST API:
//
//	POST /v1/push      a batch of changes (package pushapi); the body may be gzip or zstd
//	GET  /v1/lost      values that lost a conflict
//	GET  /v1/rejected  groups that were not applied, as they were received
//	GET  /v1/proof     what one may see of each table, counted and hashed
//	POST /v1/proof     the same of rows that are named, list by list
//	GET, PATCH, DELETE /v1/machines…   one's machines: list, rename, revoke
//	GET /v1/people, GET, POST /v1/teams, PUT, DELETE /v1/teams/{id}/members/{user_id}   who shares what with whom
//	GET /v1/projects, PATCH /v1/projects/{id}, GET /v1/projects/{id}/people   who sees and who writes
//	GET  /v1/account/export, DELETE /v1/account   all that is kept of a person; and its end
//	POST /v1/invitations   somebody new, into a team
//	GET /v1/invitations    those that nobody has taken up yet, for admins of the team
//	DELETE /v1/teams/{id}/invitations/{user_id}   one of them is withdrawn
//	GET  /healthz      the process lives
//	GET  /readyz       it can answer requests: the database does, and it is not about to end
//	GET  /openapi.json and /openapi.yaml
//
// Everything below /v1 needs a bearer token. Whatever is not 2xx is a problem document (RFC 9457) with a code and the
// request's id; neither it nor a log line ever has the content of a row.
package httpapi
