//! One JSON Schema of every file that a search reads and writes: scenarios, profiles and failures.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::json;

use crate::scenario::Service;
use crate::scenario::schema;
use crate::search::failure;

/// The schema of a file with the words of `S`: a scenario, a profile or a failure.
pub fn file_schema<S: Service>() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    schema::definitions::<S>(&mut generator);
    failure::definitions::<S>(&mut generator);
    let kinds = ["Scenario", "Profile", "Failure"].map(|kind| json!({ "$ref": format!("#/$defs/{kind}") }));
    let mut whole = Schema::default();
    whole.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    whole.insert("anyOf".into(), kinds.into_iter().collect());
    whole.insert("$defs".into(), generator.take_definitions(true).into());
    whole
}
