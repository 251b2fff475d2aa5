-- What leaves through logical replication, by name: never the ledger, the rejected groups or the accounts.

-- +goose Up
CREATE PUBLICATION powersync FOR TABLE
  app.projects, app.sessions, app.messages, app.decisions, app.skill_learnings, app.error_solutions, app.access;
