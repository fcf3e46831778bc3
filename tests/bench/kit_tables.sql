-- The kit's tables as its data/schema.sql makes them: the kit checks our answers against them.
-- Only contacts lie elsewhere (contact is a view of the tenant's, in kit_rows.sql): the kit counts
-- what was created there, and deletes it again.
CREATE TABLE company (
  id int PRIMARY KEY,
  name text NOT NULL, domain text NOT NULL, industry text NOT NULL,
  city text NOT NULL, country text NOT NULL, employees int NOT NULL,
  created_at timestamptz NOT NULL);
CREATE TABLE kit_contact (
  id int PRIMARY KEY,
  company_id int NOT NULL,
  first_name text NOT NULL, last_name text NOT NULL, name text NOT NULL,
  email text NOT NULL, phone text, title text, city text, country text,
  created_at timestamptz NOT NULL);
CREATE TABLE deal (
  id int PRIMARY KEY,
  title text NOT NULL, contact_id int NOT NULL, company_id int NOT NULL,
  stage text NOT NULL, amount numeric(12,2) NOT NULL, currency text NOT NULL,
  close_date date NOT NULL, owner text NOT NULL,
  created_at timestamptz NOT NULL);
CREATE TABLE activity (
  id int PRIMARY KEY,
  deal_id int NOT NULL, type text NOT NULL, subject text NOT NULL,
  due date NOT NULL, done boolean NOT NULL);

-- Record n of table t is the uuid whose first 32 bits are t and whose last 60 are n.
CREATE FUNCTION kit_uuid(t int, n int) RETURNS uuid IMMUTABLE LANGUAGE sql
  RETURN (lpad(to_hex(t), 8, '0') || lpad(to_hex(n), 24, '0'))::uuid;
-- Ids that the server makes have random bits there: a number larger than any of the kit's.
CREATE FUNCTION kit_number(id uuid) RETURNS bigint IMMUTABLE LANGUAGE sql
  RETURN ('x' || right(replace(id::text, '-', ''), 15))::bit(60)::bigint;
