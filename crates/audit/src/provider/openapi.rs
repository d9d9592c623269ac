//! OpenAPI documents of any API: what can be done, for keys whose scopes name it.

use catalogue::{Catalogue, Reading, Settings};
use law::Power;

use super::{Head, Provider, count};
use crate::{
    estate::Estate,
    input::{Content, Trouble},
};

pub(crate) struct OpenApi;

impl Provider for OpenApi {
    fn recognise(&self, head: &Head<'_>) -> Option<&'static str> {
        match head {
            Head::Document => Some("OpenAPI document"),
            Head::Json(value) if value.get("openapi").or(value.get("swagger")).is_some() => Some("OpenAPI document"),
            _ => None,
        }
    }

    fn read(&mut self, _form: &'static str, file: &str, content: Content, estate: &mut Estate) -> String {
        let bytes = match content {
            Content::Document(bytes) => bytes,
            Content::Json(value) => value.to_string().into_bytes(),
            Content::JsonLines(..)
            | Content::List(..)
            | Content::Lines(..)
            | Content::Details(_)
            | Content::Several(_)
            | Content::Csv(..) => return "nothing".to_owned(),
        };
        match Catalogue::read(&bytes, &Settings::default()) {
            Ok(Reading { catalogue, troubles }) => {
                let operations = catalogue.operations();
                let with = |power| operations.iter().filter(|operation| operation.powers.contains(power)).count();
                let (mint, disarm, grant) = (with(Power::Mint), with(Power::Disarm), with(Power::Grant));
                let skipped = match troubles.len() {
                    0 => String::new(),
                    skipped => format!("; {} skipped or assumed", count(skipped, "thing")),
                };
                let holds = format!(
                    "{}: {mint} mint credentials, {disarm} disarm protection, {grant} grant rights{skipped}",
                    count(operations.len(), "operation")
                );
                estate.catalogues.push(catalogue);
                holds
            }
            Err(error) => {
                estate.troubles.push(Trouble::of(file, format!("is no OpenAPI document that can be read: {error}")));
                "nothing".to_owned()
            }
        }
    }
}
