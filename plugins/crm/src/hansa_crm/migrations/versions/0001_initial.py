"""Initial."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "crm_pipeline",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="crm_pipeline_name_key"),
    )
    op.create_table(
        "crm_stage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("pipeline", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("probability", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline"], ["crm_pipeline.id"], name="crm_stage_pipeline_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pipeline", "name", name="crm_stage_pipeline_name_key"),
    )
    op.create_index("crm_stage_pipeline_idx", "crm_stage", ["pipeline"], unique=False)
    op.create_table(
        "crm_deal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("party", sa.Uuid(), nullable=False),
        sa.Column("contact_person", sa.Uuid(), nullable=True),
        sa.Column("owner", sa.Uuid(), nullable=True),
        sa.Column("team", sa.Uuid(), nullable=True),
        sa.Column("pipeline", sa.Uuid(), nullable=True),
        sa.Column("stage", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("expected_close", sa.Date(), nullable=True),
        sa.Column("probability", sa.BigInteger(), nullable=True),
        sa.Column("likelihood", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("lost_reason", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_person"],
            ["contacts_party.id"],
            name="crm_deal_contact_person_fkey",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["owner"], ["system_user.id"], name="crm_deal_owner_fkey", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["party"], ["contacts_party.id"], name="crm_deal_party_fkey", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["pipeline"], ["crm_pipeline.id"], name="crm_deal_pipeline_fkey", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["stage"], ["crm_stage.id"], name="crm_deal_stage_fkey", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["team"], ["system_team.id"], name="crm_deal_team_fkey", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("crm_deal_contact_person_idx", "crm_deal", ["contact_person"], unique=False)
    op.create_index("crm_deal_expected_close_idx", "crm_deal", ["expected_close"], unique=False)
    op.create_index("crm_deal_owner_idx", "crm_deal", ["owner"], unique=False)
    op.create_index("crm_deal_party_idx", "crm_deal", ["party"], unique=False)
    op.create_index("crm_deal_pipeline_idx", "crm_deal", ["pipeline"], unique=False)
    op.create_index("crm_deal_stage_idx", "crm_deal", ["stage"], unique=False)
    op.create_index("crm_deal_status_idx", "crm_deal", ["status"], unique=False)
    op.create_index("crm_deal_team_idx", "crm_deal", ["team"], unique=False)
    op.create_table(
        "crm_activity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("party", sa.Uuid(), nullable=True),
        sa.Column("deal", sa.Uuid(), nullable=True),
        sa.Column("assignee", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["assignee"], ["system_user.id"], name="crm_activity_assignee_fkey", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["deal"], ["crm_deal.id"], name="crm_activity_deal_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["party"], ["contacts_party.id"], name="crm_activity_party_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("crm_activity_assignee_idx", "crm_activity", ["assignee"], unique=False)
    op.create_index("crm_activity_deal_idx", "crm_activity", ["deal"], unique=False)
    op.create_index("crm_activity_done_idx", "crm_activity", ["done"], unique=False)
    op.create_index("crm_activity_due_at_idx", "crm_activity", ["due_at"], unique=False)
    op.create_index("crm_activity_kind_idx", "crm_activity", ["kind"], unique=False)
    op.create_index("crm_activity_party_idx", "crm_activity", ["party"], unique=False)
