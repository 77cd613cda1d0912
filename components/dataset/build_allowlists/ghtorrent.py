"""Counts of repositories from the relational tables of GHTorrent (facts/schemas.md section D1)."""

TABLES = ("users", "projects", "watchers", "issues", "commits", "project_commits")

COUNTS_QUERY = """
WITH repository AS (
  SELECT projects.id, users.login || '/' || projects.name AS repo, projects.language
  FROM projects JOIN users ON users.id = projects.owner_id
  WHERE CAST(projects.deleted AS INTEGER) = 0 AND projects.forked_from IS NULL
),
star AS (
  SELECT repo_id AS id, COUNT(DISTINCT user_id) AS stars FROM watchers GROUP BY repo_id
),
issue AS (
  SELECT repo_id AS id, COUNT(*) AS issues FROM issues WHERE CAST(pull_request AS INTEGER) = 0 GROUP BY repo_id
),
contributor AS (
  SELECT project_commits.project_id AS id, COUNT(DISTINCT commits.author_id) AS contributors
  FROM project_commits JOIN commits ON commits.id = project_commits.commit_id
  GROUP BY project_commits.project_id
)
SELECT
  repo,
  ARG_MAX(language, repository.id) AS language,
  COALESCE(MAX(stars), 0) AS stars,
  COALESCE(MAX(issues), 0) AS issues,
  COALESCE(MAX(contributors), 0) AS contributors
FROM repository
LEFT JOIN star USING (id)
LEFT JOIN issue USING (id)
LEFT JOIN contributor USING (id)
GROUP BY repo
"""
"""In DuckDB's SQL. A star is a watcher; contributors are the authors of the commits that a repository holds; pull
requests are no issues. Forks and deleted projects are left out; projects that share a name over time (deleted and made
again) are one repository."""
