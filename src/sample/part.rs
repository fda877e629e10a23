//! One part of every table: the open files that a range of people is written to.

use std::collections::BTreeMap;
use std::path::Path;

use super::ga4_table::EventTable;
use super::hubspot_tables::{EmailTable, HubContactTable, PropertyTable, SubmissionTable};
use super::salesforce_tables::{
    AccountTable, ContactTable, LeadHistoryTable, LeadTable, MemberTable, OpportunityHistoryTable, OpportunityTable,
    RoleTable, TaskTable,
};
use super::truth::TruthTable;
use super::writer::{FileFact, Sink};
use crate::error::Result;

/// Amounts by what they are and their currency: rows, and hundredths of the unit.
pub(super) type Money = BTreeMap<(&'static str, &'static str), (u64, i128)>;

/// The open files of one part.
pub(super) struct Part {
    pub(super) lead: Sink<LeadTable>,
    pub(super) lead_history: Sink<LeadHistoryTable>,
    pub(super) contact: Sink<ContactTable>,
    pub(super) account: Sink<AccountTable>,
    pub(super) opportunity: Sink<OpportunityTable>,
    pub(super) opportunity_history: Sink<OpportunityHistoryTable>,
    pub(super) role: Sink<RoleTable>,
    pub(super) member: Sink<MemberTable>,
    pub(super) task: Sink<TaskTable>,
    pub(super) hub_contact: Sink<HubContactTable>,
    pub(super) property: Sink<PropertyTable>,
    pub(super) submission: Sink<SubmissionTable>,
    pub(super) email: Sink<EmailTable>,
    pub(super) event: Sink<EventTable>,
    pub(super) truth: Sink<TruthTable>,
    pub(super) money: Money,
    serial: u64,
}

impl Part {
    /// Creates the files of part `number` under `out`.
    pub(super) fn create(out: &Path, number: u64) -> Result<Self> {
        Ok(Self {
            lead: Sink::create(out, number)?,
            lead_history: Sink::create(out, number)?,
            contact: Sink::create(out, number)?,
            account: Sink::create(out, number)?,
            opportunity: Sink::create(out, number)?,
            opportunity_history: Sink::create(out, number)?,
            role: Sink::create(out, number)?,
            member: Sink::create(out, number)?,
            task: Sink::create(out, number)?,
            hub_contact: Sink::create(out, number)?,
            property: Sink::create(out, number)?,
            submission: Sink::create(out, number)?,
            email: Sink::create(out, number)?,
            event: Sink::create(out, number)?,
            truth: Sink::create(out, number)?,
            money: Money::new(),
            // Numbers of different parts never meet: a part has far fewer rows than this.
            serial: (number + 1) << 32,
        })
    }

    /// A number that no other row of the sample gets.
    pub(super) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Adds an amount to the sums of the manifest.
    pub(super) fn pay(&mut self, measure: &'static str, currency: &'static str, cents: i128) {
        let (rows, sum) = self.money.entry((measure, currency)).or_default();
        *rows += 1;
        *sum += cents;
    }

    /// Closes all files.
    pub(super) fn close(self) -> Result<(Vec<FileFact>, Money)> {
        let facts = vec![
            self.lead.close()?,
            self.lead_history.close()?,
            self.contact.close()?,
            self.account.close()?,
            self.opportunity.close()?,
            self.opportunity_history.close()?,
            self.role.close()?,
            self.member.close()?,
            self.task.close()?,
            self.hub_contact.close()?,
            self.property.close()?,
            self.submission.close()?,
            self.email.close()?,
            self.event.close()?,
            self.truth.close()?,
        ];
        Ok((facts, self.money))
    }
}
