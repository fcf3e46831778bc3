"""Initial."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "bench_company",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("industry", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("employees", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "bench_contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("company", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Uuid(), nullable=False),
        sa.Column("team", sa.Uuid(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company"],
            ["bench_company.id"],
            name="bench_contact_company_fkey",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["responsible"],
            ["system_user.id"],
            name="bench_contact_responsible_fkey",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["team"], ["system_team.id"], name="bench_contact_team_fkey", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bench_contact_company_idx", "bench_contact", ["company"], unique=False)
    op.create_index("bench_contact_responsible_idx", "bench_contact", ["responsible"], unique=False)
    op.create_index("bench_contact_team_idx", "bench_contact", ["team"], unique=False)
    op.create_table(
        "bench_deal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("contact", sa.Uuid(), nullable=False),
        sa.Column("company", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("close_date", sa.Date(), nullable=False),
        sa.Column("responsible", sa.Uuid(), nullable=False),
        sa.Column("team", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company"], ["bench_company.id"], name="bench_deal_company_fkey", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["contact"], ["bench_contact.id"], name="bench_deal_contact_fkey", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["responsible"],
            ["system_user.id"],
            name="bench_deal_responsible_fkey",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["team"], ["system_team.id"], name="bench_deal_team_fkey", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bench_deal_company_idx", "bench_deal", ["company"], unique=False)
    op.create_index("bench_deal_contact_idx", "bench_deal", ["contact"], unique=False)
    op.create_index("bench_deal_responsible_idx", "bench_deal", ["responsible"], unique=False)
    op.create_index(
        "bench_deal_stage_close_date_id_idx",
        "bench_deal",
        ["stage", "close_date", "id"],
        unique=False,
    )
    op.create_index("bench_deal_team_idx", "bench_deal", ["team"], unique=False)
    op.create_table(
        "bench_activity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("deal", sa.Uuid(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deal"], ["bench_deal.id"], name="bench_activity_deal_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "bench_activity_deal_due_id_idx", "bench_activity", ["deal", "due", "id"], unique=False
    )
