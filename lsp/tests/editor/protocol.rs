//! The official description of the protocol, as a judge: what the server says is valid, and holds nothing more.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let text = include_str!("model/metaModel.json");
    Model::new(&serde_json::from_str(text).unwrap())
});

/// The description, by name.
struct Model {
    structures: BTreeMap<String, Value>,
    enumerations: BTreeMap<String, Value>,
    aliases: BTreeMap<String, Value>,
    requests: BTreeMap<String, Value>,
    notifications: BTreeMap<String, Value>,
}

/// A notification or request of the server: its parameters must be what the method takes.
pub(crate) fn check_params(method: &str, params: &Value) {
    let known = MODEL.requests.get(method).or_else(|| MODEL.notifications.get(method));
    let known = known.unwrap_or_else(|| panic!("the protocol has no {method}"));
    match known.get("params") {
        Some(ty) => judge(method, params, ty),
        None => {
            assert!(params.is_null() || *params == serde_json::json!({}), "{method} takes nothing, and got {params}")
        }
    }
}

/// An answer of the server.
pub(crate) fn check_result(method: &str, result: &Value) {
    let Some(known) = MODEL.requests.get(method) else { panic!("the protocol has no request {method}") };
    judge(method, result, &known["result"]);
}

fn judge(what: &str, value: &Value, ty: &Value) {
    if let Err(why) = MODEL.check(value, ty) {
        panic!("{what}: {why}\n{value:#}");
    }
}

impl Model {
    fn new(model: &Value) -> Self {
        let by = |list: &str, key: &str| -> BTreeMap<String, Value> {
            let all = model[list].as_array().unwrap().iter();
            all.map(|entry| (entry[key].as_str().unwrap().to_owned(), entry.clone())).collect()
        };
        Self {
            structures: by("structures", "name"),
            enumerations: by("enumerations", "name"),
            aliases: by("typeAliases", "name"),
            requests: by("requests", "method"),
            notifications: by("notifications", "method"),
        }
    }

    fn check(&self, value: &Value, ty: &Value) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{} is no {what}", short(value)));
        let is = |right: bool, what: &str| if right { Ok(()) } else { wrong(what) };
        match ty["kind"].as_str().unwrap() {
            "base" => match ty["name"].as_str().unwrap() {
                "string" | "DocumentUri" | "URI" | "RegExp" => is(value.is_string(), "text"),
                "integer" => is(value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()), "integer"),
                "uinteger" => is(value.as_u64().is_some_and(|n| n <= 0x7fff_ffff), "uinteger"),
                "decimal" => is(value.is_number(), "number"),
                "boolean" => is(value.is_boolean(), "boolean"),
                "null" => is(value.is_null(), "null"),
                other => Err(format!("what is {other}?")),
            },
            "reference" => self.reference(value, ty["name"].as_str().unwrap()),
            "array" => {
                let Some(elements) = value.as_array() else { return wrong("list") };
                elements.iter().try_for_each(|element| self.check(element, &ty["element"]))
            }
            "map" => {
                let Some(entries) = value.as_object() else { return wrong("map") };
                entries.values().try_for_each(|entry| self.check(entry, &ty["value"]))
            }
            "or" => {
                let items = ty["items"].as_array().unwrap();
                let failures: Vec<_> = items.iter().filter_map(|item| self.check(value, item).err()).collect();
                if failures.len() < items.len() { Ok(()) } else { Err(failures.join("; or ")) }
            }
            "tuple" => {
                let items = ty["items"].as_array().unwrap();
                let elements = value.as_array().filter(|elements| elements.len() == items.len());
                let Some(elements) = elements else { return wrong("tuple") };
                elements.iter().zip(items).try_for_each(|(element, item)| self.check(element, item))
            }
            "literal" => self.object(value, "literal", &properties_of(&ty["value"])),
            "stringLiteral" | "integerLiteral" | "booleanLiteral" => {
                is(*value == ty["value"], &ty["value"].to_string())
            }
            other => Err(format!("what kind is {other}?")),
        }
    }

    fn reference(&self, value: &Value, name: &str) -> Result<(), String> {
        match name {
            "LSPAny" => return Ok(()),
            "LSPObject" if value.is_object() => return Ok(()),
            "LSPArray" if value.is_array() => return Ok(()),
            _ => {}
        }
        if let Some(alias) = self.aliases.get(name) {
            return self.check(value, &alias["type"]);
        }
        if let Some(enumeration) = self.enumerations.get(name) {
            let known = enumeration["values"].as_array().unwrap().iter().any(|known| known["value"] == *value);
            let custom = enumeration["supportsCustomValues"] == true;
            return match known || custom && self.check(value, &enumeration["type"]).is_ok() {
                true => Ok(()),
                false => Err(format!("{} is no {name}", short(value))),
            };
        }
        self.object(value, name, &self.properties(name))
    }

    /// The properties of a structure, those that it takes over included.
    fn properties(&self, name: &str) -> Vec<Value> {
        let structure = self.structures.get(name).unwrap_or_else(|| panic!("the protocol has no {name}"));
        let mut all = properties_of(structure);
        for base in ["extends", "mixins"].iter().flat_map(|key| structure[key].as_array().into_iter().flatten()) {
            all.extend(self.properties(base["name"].as_str().unwrap()));
        }
        all
    }

    fn object(&self, value: &Value, name: &str, properties: &[Value]) -> Result<(), String> {
        let Some(entries) = value.as_object() else { return Err(format!("{} is no {name}", short(value))) };
        for property in properties {
            let key = property["name"].as_str().unwrap();
            match entries.get(key) {
                Some(entry) => self.check(entry, &property["type"]).map_err(|why| format!("{name}.{key}: {why}"))?,
                None if property["optional"] == true => {}
                None => return Err(format!("{name} lacks {key}")),
            }
        }
        match entries.keys().find(|key| !properties.iter().any(|property| property["name"] == ***key)) {
            Some(key) => Err(format!("{name} has no {key}")),
            None => Ok(()),
        }
    }
}

fn properties_of(structure: &Value) -> Vec<Value> {
    structure["properties"].as_array().cloned().unwrap_or_default()
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

#[test]
fn the_judge_finds_fault() {
    let range = serde_json::json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 1 } });
    let ty = serde_json::json!({ "kind": "reference", "name": "TextEdit" });
    let check = |value: Value| MODEL.check(&value, &ty);
    assert_eq!(check(serde_json::json!({ "range": range, "newText": "x" })), Ok(()));
    assert_eq!(check(serde_json::json!({ "range": range })), Err("TextEdit lacks newText".to_owned()));
    let more = serde_json::json!({ "range": range, "newText": "x", "more": 1 });
    assert_eq!(check(more), Err("TextEdit has no more".to_owned()));
    assert!(check(serde_json::json!({ "range": 7, "newText": "x" })).is_err());
}
