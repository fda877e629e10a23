//! Text as people type it → keys that match: e-mail, phone, names, companies, domains.
