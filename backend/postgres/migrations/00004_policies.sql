-- Who may read and write synced rows. A row without a project is its owner's; a row of a project belongs to whom
-- app.access says. A project's own row is written by its owner only, who may share it with teams he is in.
--
-- The subqueries take no column from the row, so PostgreSQL runs each once per statement.

-- +goose Up
GRANT SELECT, INSERT, DELETE ON app.projects TO app_api;
GRANT UPDATE (created_at, updated_at, team_id, visibility, name, path, hlc, cv) ON app.projects TO app_api;
GRANT SELECT ON app.projects TO powersync, app_admin;
ALTER TABLE app.projects ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.projects AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY stream ON app.projects FOR SELECT TO powersync USING (true);
CREATE POLICY admin ON app.projects FOR SELECT TO app_admin USING (true);
CREATE POLICY read ON app.projects FOR SELECT TO app_api
  USING (user_id = (SELECT app.user_id()) OR id IN (SELECT app.readable()));
CREATE POLICY add ON app.projects FOR INSERT TO app_api
  WITH CHECK (user_id = (SELECT app.user_id()) AND (team_id IS NULL OR team_id IN (SELECT app.my_teams()))
    AND app.is_free(id));
CREATE POLICY edit ON app.projects FOR UPDATE TO app_api
  USING (user_id = (SELECT app.user_id()))
  WITH CHECK (user_id = (SELECT app.user_id()) AND (team_id IS NULL OR team_id IN (SELECT app.my_teams())));
CREATE POLICY remove ON app.projects FOR DELETE TO app_api USING (user_id = (SELECT app.user_id()));

GRANT SELECT, INSERT, DELETE ON app.sessions TO app_api;
GRANT UPDATE (created_at, updated_at, project_id, title, source, started_at, ended_at, hlc, cv) ON app.sessions TO app_api;
GRANT SELECT ON app.sessions TO powersync, app_admin;
ALTER TABLE app.sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.sessions AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY stream ON app.sessions FOR SELECT TO powersync USING (true);
CREATE POLICY admin ON app.sessions FOR SELECT TO app_admin USING (true);
CREATE POLICY read ON app.sessions FOR SELECT TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.readable()));
CREATE POLICY add ON app.sessions FOR INSERT TO app_api
  WITH CHECK (user_id = (SELECT app.user_id()) AND (project_id IS NULL OR project_id IN (SELECT app.writable())));
CREATE POLICY edit ON app.sessions FOR UPDATE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()))
  WITH CHECK (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));
CREATE POLICY remove ON app.sessions FOR DELETE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));

GRANT SELECT, INSERT, DELETE ON app.messages TO app_api;
GRANT UPDATE (created_at, updated_at, project_id, session_id, hash, role, content, source_type, occurred_at, hlc, cv) ON app.messages TO app_api;
GRANT SELECT ON app.messages TO powersync, app_admin;
ALTER TABLE app.messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.messages AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY stream ON app.messages FOR SELECT TO powersync USING (true);
CREATE POLICY admin ON app.messages FOR SELECT TO app_admin USING (true);
CREATE POLICY read ON app.messages FOR SELECT TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.readable()));
CREATE POLICY add ON app.messages FOR INSERT TO app_api
  WITH CHECK (user_id = (SELECT app.user_id()) AND (project_id IS NULL OR project_id IN (SELECT app.writable())));
CREATE POLICY edit ON app.messages FOR UPDATE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()))
  WITH CHECK (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));
CREATE POLICY remove ON app.messages FOR DELETE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));

GRANT SELECT, INSERT, DELETE ON app.decisions TO app_api;
GRANT UPDATE (created_at, updated_at, project_id, decision_type, decision, rationale, confidence, tags, hlc, cv) ON app.decisions TO app_api;
GRANT SELECT ON app.decisions TO powersync, app_admin;
ALTER TABLE app.decisions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.decisions AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY stream ON app.decisions FOR SELECT TO powersync USING (true);
CREATE POLICY admin ON app.decisions FOR SELECT TO app_admin USING (true);
CREATE POLICY read ON app.decisions FOR SELECT TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.readable()));
CREATE POLICY add ON app.decisions FOR INSERT TO app_api
  WITH CHECK (user_id = (SELECT app.user_id()) AND (project_id IS NULL OR project_id IN (SELECT app.writable())));
CREATE POLICY edit ON app.decisions FOR UPDATE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()))
  WITH CHECK (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));
CREATE POLICY remove ON app.decisions FOR DELETE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));

GRANT SELECT, INSERT, DELETE ON app.skill_learnings TO app_api;
GRANT UPDATE (created_at, updated_at, project_id, skill_name, outcome, effectiveness_score, errors, analyzed_at, hlc, cv) ON app.skill_learnings TO app_api;
GRANT SELECT ON app.skill_learnings TO powersync, app_admin;
ALTER TABLE app.skill_learnings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.skill_learnings AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY stream ON app.skill_learnings FOR SELECT TO powersync USING (true);
CREATE POLICY admin ON app.skill_learnings FOR SELECT TO app_admin USING (true);
CREATE POLICY read ON app.skill_learnings FOR SELECT TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.readable()));
CREATE POLICY add ON app.skill_learnings FOR INSERT TO app_api
  WITH CHECK (user_id = (SELECT app.user_id()) AND (project_id IS NULL OR project_id IN (SELECT app.writable())));
CREATE POLICY edit ON app.skill_learnings FOR UPDATE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()))
  WITH CHECK (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));
CREATE POLICY remove ON app.skill_learnings FOR DELETE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));

GRANT SELECT, INSERT, DELETE ON app.error_solutions TO app_api;
GRANT UPDATE (created_at, updated_at, project_id, error_type, error_signature, solution, solution_code, success_count, hlc, cv) ON app.error_solutions TO app_api;
GRANT SELECT ON app.error_solutions TO powersync, app_admin;
ALTER TABLE app.error_solutions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.error_solutions AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY stream ON app.error_solutions FOR SELECT TO powersync USING (true);
CREATE POLICY admin ON app.error_solutions FOR SELECT TO app_admin USING (true);
CREATE POLICY read ON app.error_solutions FOR SELECT TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.readable()));
CREATE POLICY add ON app.error_solutions FOR INSERT TO app_api
  WITH CHECK (user_id = (SELECT app.user_id()) AND (project_id IS NULL OR project_id IN (SELECT app.writable())));
CREATE POLICY edit ON app.error_solutions FOR UPDATE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()))
  WITH CHECK (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));
CREATE POLICY remove ON app.error_solutions FOR DELETE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));
