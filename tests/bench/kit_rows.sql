-- The kit's rows into the tables of the plugin; the search path begins with the tenant's schema.
INSERT INTO bench_company
  (id, created_at, updated_at, archived, version, name, domain, industry, city, country, employees)
SELECT kit_uuid(1, id), created_at, created_at, false, 1, name, domain, industry, city, country,
       employees
FROM company ORDER BY id;

-- user01's own records belong to the one team that user01 is not in, all others to the three teams
-- that user01 is in: either half of bench.rep's condition is needed, and together they show all.
CREATE TEMP VIEW whose AS
SELECT u.name, u.id AS responsible,
       ARRAY(SELECT t.id FROM system_team t
             WHERE t.name = 'West' AND u.name = 'user01'
                OR t.name <> 'West' AND u.name <> 'user01' ORDER BY t.name) AS teams
FROM "system_user" u;

INSERT INTO bench_contact
  (id, created_at, updated_at, archived, version, company, first_name, last_name, name, email,
   phone, title, city, country, responsible, team)
SELECT kit_uuid(2, c.id), c.created_at, c.created_at, false, 1, kit_uuid(1, c.company_id),
       c.first_name, c.last_name, c.name, c.email, c.phone, c.title, c.city, c.country,
       w.responsible, w.teams[c.id % cardinality(w.teams) + 1]
FROM kit_contact c JOIN whose w ON w.name = 'user' || lpad((c.id % 20 + 1)::text, 2, '0')
ORDER BY c.id;

INSERT INTO bench_deal
  (id, created_at, updated_at, archived, version, title, contact, company, stage, amount, currency,
   close_date, owner, responsible, team)
SELECT kit_uuid(3, d.id), d.created_at, d.created_at, false, 1, d.title,
       kit_uuid(2, d.contact_id), kit_uuid(1, d.company_id), d.stage, d.amount, d.currency,
       d.close_date, d.owner, w.responsible, w.teams[d.id % cardinality(w.teams) + 1]
FROM deal d JOIN whose w ON w.name = d.owner
ORDER BY d.id;

INSERT INTO bench_activity
  (id, created_at, updated_at, archived, version, deal, type, subject, due, done)
SELECT kit_uuid(4, id), now(), now(), false, 1, kit_uuid(3, deal_id), type, subject, due, done
FROM activity ORDER BY id;

DROP VIEW whose;

CREATE VIEW public.contact AS
SELECT kit_number(id) AS id, kit_number(company) AS company_id, first_name, last_name, name, email,
       phone, title, city, country, created_at
FROM bench_contact;
