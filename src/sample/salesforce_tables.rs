//! The tables of the CRM, with the column names that its managed connectors use.

use super::columns::{Date, DateOpt, Flag, Instant, InstantOpt, Int, IntOpt, Money, MoneyOpt, Text, TextOpt, table};

table! {
    /// A lead: somebody who may buy, before conversion.
    LeadTable, LeadRow, "salesforce", "lead";
    id: Text,
    is_deleted: Flag,
    master_record_id: TextOpt,
    first_name: Text,
    last_name: Text,
    title: Text,
    company: Text,
    country: Text,
    phone: Text,
    email: TextOpt,
    website: TextOpt,
    lead_source: Text,
    status: Text,
    industry: TextOpt,
    annual_revenue: MoneyOpt,
    number_of_employees: IntOpt,
    owner_id: Text,
    has_opted_out_of_email: Flag,
    is_converted: Flag,
    converted_date: DateOpt,
    converted_account_id: TextOpt,
    converted_contact_id: TextOpt,
    converted_opportunity_id: TextOpt,
    utm_source_c: TextOpt,
    utm_medium_c: TextOpt,
    utm_campaign_c: TextOpt,
    gclid_c: TextOpt,
    imported_at_c: TextOpt,
    created_by_id: Text,
    created_date: Instant,
    last_modified_date: Instant,
    system_modstamp: Instant,
    _fivetran_synced: Instant,
    _fivetran_deleted: Flag,
}

table! {
    /// One change of a tracked field of a lead.
    LeadHistoryTable, LeadHistoryRow, "salesforce", "lead_history";
    id: Text,
    is_deleted: Flag,
    lead_id: TextOpt,
    created_by_id: Text,
    created_date: Instant,
    field: Text,
    old_value: TextOpt,
    new_value: TextOpt,
    _fivetran_synced: Instant,
}

table! {
    /// A contact: somebody at an account.
    ContactTable, ContactRow, "salesforce", "contact";
    id: Text,
    is_deleted: Flag,
    master_record_id: TextOpt,
    account_id: TextOpt,
    first_name: Text,
    last_name: Text,
    title: Text,
    email: TextOpt,
    phone: Text,
    mailing_country: Text,
    lead_source: Text,
    owner_id: Text,
    has_opted_out_of_email: Flag,
    created_by_id: Text,
    created_date: Instant,
    last_modified_date: Instant,
    system_modstamp: Instant,
    _fivetran_synced: Instant,
    _fivetran_deleted: Flag,
}

table! {
    /// A company.
    AccountTable, AccountRow, "salesforce", "account";
    id: Text,
    is_deleted: Flag,
    master_record_id: TextOpt,
    name: Text,
    r#type: Text,
    industry: Text,
    annual_revenue: Money,
    number_of_employees: Int,
    billing_country: Text,
    website: TextOpt,
    currency_iso_code: Text,
    segment_c: Text,
    owner_id: Text,
    created_by_id: Text,
    created_date: Instant,
    last_modified_date: Instant,
    system_modstamp: Instant,
    _fivetran_synced: Instant,
    _fivetran_deleted: Flag,
}

table! {
    /// An opportunity.
    OpportunityTable, OpportunityRow, "salesforce", "opportunity";
    id: Text,
    is_deleted: Flag,
    account_id: Text,
    name: Text,
    r#type: Text,
    stage_name: Text,
    amount: MoneyOpt,
    currency_iso_code: Text,
    expected_revenue: MoneyOpt,
    probability: Int,
    forecast_category: Text,
    close_date: Date,
    is_closed: Flag,
    is_won: Flag,
    lead_source: Text,
    campaign_id: TextOpt,
    owner_id: Text,
    created_by_id: Text,
    created_date: Instant,
    last_modified_date: Instant,
    system_modstamp: Instant,
    _fivetran_synced: Instant,
    _fivetran_deleted: Flag,
}

table! {
    /// One change of a tracked field of an opportunity.
    OpportunityHistoryTable, OpportunityHistoryRow, "salesforce", "opportunity_field_history";
    id: Text,
    is_deleted: Flag,
    opportunity_id: TextOpt,
    created_by_id: Text,
    created_date: Instant,
    field: Text,
    old_value: TextOpt,
    new_value: TextOpt,
    _fivetran_synced: Instant,
}

table! {
    /// A contact's part in an opportunity.
    RoleTable, RoleRow, "salesforce", "opportunity_contact_role";
    id: Text,
    is_deleted: Flag,
    opportunity_id: Text,
    contact_id: TextOpt,
    role: Text,
    is_primary: Flag,
    created_date: Instant,
    last_modified_date: Instant,
    system_modstamp: Instant,
    _fivetran_synced: Instant,
}

table! {
    /// A campaign.
    CampaignTable, CampaignRow, "salesforce", "campaign";
    id: Text,
    is_deleted: Flag,
    parent_id: TextOpt,
    name: Text,
    r#type: Text,
    status: Text,
    is_active: Flag,
    start_date: Date,
    end_date: Date,
    budgeted_cost: Money,
    actual_cost: Money,
    currency_iso_code: Text,
    owner_id: Text,
    created_date: Instant,
    last_modified_date: Instant,
    system_modstamp: Instant,
    _fivetran_synced: Instant,
}

table! {
    /// A lead or contact in a campaign.
    MemberTable, MemberRow, "salesforce", "campaign_member";
    id: Text,
    is_deleted: Flag,
    campaign_id: Text,
    lead_id: TextOpt,
    contact_id: TextOpt,
    status: Text,
    has_responded: Flag,
    first_responded_date: DateOpt,
    created_date: Instant,
    last_modified_date: Instant,
    system_modstamp: Instant,
    _fivetran_synced: Instant,
}

table! {
    /// Something a sales representative did.
    TaskTable, TaskRow, "salesforce", "task";
    id: Text,
    is_deleted: Flag,
    who_id: Text,
    account_id: TextOpt,
    subject: Text,
    task_subtype: Text,
    status: Text,
    is_closed: Flag,
    priority: Text,
    activity_date: Date,
    completed_date_time: InstantOpt,
    owner_id: Text,
    created_by_id: Text,
    created_date: Instant,
    last_modified_date: Instant,
    _fivetran_synced: Instant,
}
