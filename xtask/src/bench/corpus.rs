//! Corpora of the same number of files and bytes, in our language and in those of other linters. What is in them is
//! made up, the same every time, of the shapes that such files have.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

/// Journeys in one project.
const PER_PROJECT: usize = 100;

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";

const DECLARATIONS: &str = "\
contact {
  email: email
  phone: phone?
  first_name: text?
  country: enum { DE AT CH US } = DE
  plan: enum { free pro } = free
  visits: number = 0
}

tags { lead customer vip }

event purchase { amount: money, voucher: text? }

topic offers \"Offers and news\"

policy {
  sender \"Moosbett <hello@moosbett.example>\"
  address \"Moosbett GmbH, Teststr. 1, 53177 Bonn\"
  quiet hours 21:00 to 08:00
  cap 8 messages per 7d
}
";

const MESSAGES: [(&str, &str); 4] = [
    (
        "messages/story.email.md",
        "---\nsubject: Our story\n---\nHello!\n\n[Read on](https://moosbett.example)\n\n[Unsubscribe]({{ unsubscribe_url }})\n",
    ),
    (
        "messages/price.email.md",
        "---\nsubject: What it costs\n---\nHello!\n\n[Compare](https://moosbett.example)\n\n[Unsubscribe]({{ unsubscribe_url }})\n",
    ),
    (
        "messages/reviews.email.md",
        "---\nsubject: What others say\n---\nHello!\n\n[Unsubscribe]({{ unsubscribe_url }})\n",
    ),
    ("messages/nudge.sms.txt", "Have you seen our story?\n"),
];

/// Writes projects with so many journeys; the bytes of the journey files.
pub(super) fn journeys(folder: &Path, count: usize) -> io::Result<u64> {
    let mut bytes = 0;
    for n in 0..count {
        let project = folder.join(format!("p{:03}", n / PER_PROJECT));
        if n % PER_PROJECT == 0 {
            let names: Vec<String> = (n..count.min(n + PER_PROJECT)).map(|n| format!("j{n:05}")).collect();
            foundations(&project, names.iter().map(String::as_str))?;
        }
        // A twentieth is longer than the linter likes.
        let text = journey(&format!("j{n:05}"), if n % 20 == 0 { 4 } else { 1 + n % 3 });
        bytes += text.len() as u64;
        fs::write(project.join(format!("journeys/j{n:05}.journey")), text)?;
    }
    Ok(bytes)
}

/// Writes one project with a journey file for each name, of so many parts; the bytes of those files.
pub(super) fn project(folder: &Path, journeys: &[(&str, usize)]) -> io::Result<u64> {
    foundations(folder, journeys.iter().map(|(name, _)| *name))?;
    let mut bytes = 0;
    for (name, parts) in journeys {
        let text = journey(name, *parts);
        bytes += text.len() as u64;
        fs::write(folder.join(format!("journeys/{name}.journey")), text)?;
    }
    Ok(bytes)
}

/// Writes one project with one file of about so many lines, made of journeys of one to three parts; how many there are.
pub(super) fn many(folder: &Path, file: &str, lines: usize) -> io::Result<usize> {
    let (mut text, mut names) = (String::new(), Vec::new());
    while text.matches('\n').count() < lines {
        let name = format!("{file}{:03}", names.len());
        text.push_str(if names.is_empty() { "" } else { "\n" });
        text.push_str(&journey(&name, 1 + names.len() % 3));
        names.push(name);
    }
    foundations(folder, names.iter().map(String::as_str))?;
    fs::write(folder.join(format!("journeys/{file}.journey")), text)?;
    Ok(names.len())
}

/// Settings, declarations and messages of a project.
fn foundations<'n>(project: &Path, journeys: impl Iterator<Item = &'n str>) -> io::Result<()> {
    fs::create_dir_all(project.join("messages"))?;
    fs::create_dir_all(project.join("journeys"))?;
    fs::write(project.join("journey.toml"), SETTINGS)?;
    // Each journey starts with a tag of its own: those that start together are told about.
    let leads: String = journeys.map(|name| format!("  lead_{name}\n")).collect();
    fs::write(project.join("declarations.journey"), format!("{DECLARATIONS}\ntags {{\n{leads}}}\n"))?;
    for (path, text) in MESSAGES {
        fs::write(project.join(path), text)?;
    }
    Ok(())
}

/// A file of so many lines that stands alone, with declarations and one journey.
pub(super) fn alone(name: &str, lines: usize) -> String {
    // A part has 22 lines.
    format!("{DECLARATIONS}\ntags {{ lead_{name} }}\n\n{}", journey(name, lines / 22))
}

/// One journey of so many parts of a page each.
pub(super) fn journey(name: &str, parts: usize) -> String {
    let mut text = format!(
        "/// Teaches why our mattresses cost more, and finds out who wants to know.\njourney {name} {{\n  on tag lead_{name}\n  \
         where not has tag customer and country in [DE, AT]\n  reenter after 90d\n  exit when purchase\n  goal purchase within 30d\n  topic offers\n\n"
    );
    for part in 0..parts {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "  // Part {part}: first the story, then what it costs.\n  send email story as story{part}\n  wait {}d\n  if opened story{part} {{\n    \
             wait {}d\n    set visits to visits + 1\n  }} else {{\n    if phone is set send sms nudge\n    wait for opened story{part} up to 2d else end\n  \
             }}\n  send email price as price{part}\n  choose country {{\n    DE, AT {{ wait until tuesday 09:00 }}\n    CH {{ wait 1d }}\n    \
             else {{ wait until within weekdays 09:00 to 17:00 }}\n  }}\n  wait for first {{\n    purchase where amount > 50 EUR {{ add tag customer }}\n    \
             clicked price{part} {{ send email reviews }}\n    after {}d {{ add tag vip }}\n  }}\n  wait 2d\n\n",
            4 + part % 5,
            3 + part % 3,
            7 + part % 7,
        );
    }
    text.push_str("  end\n}\n");
    text
}

/// Files of another language: how they are called, and what they are made of.
pub(super) struct Language {
    pub(super) name: &'static str,
    pub(super) ending: &'static str,
    head: &'static str,
    /// A function; `NAME` stands for its name.
    pub(super) part: &'static str,
}

pub(super) const PYTHON: Language = Language {
    name: "Python",
    ending: "py",
    head: "\"\"\"Orders, and what becomes of them.\"\"\"\nimport datetime\nimport decimal\nfrom dataclasses import dataclass\n\n\n",
    part: "@dataclass\nclass NAME:\n    \"\"\"An order.\"\"\"\n\n    number: int\n    amount: decimal.Decimal\n    placed: datetime.datetime\n\n    \
           def total(self, tax):\n        # The tax comes on top.\n        if tax is None or tax < 0:\n            raise ValueError(f\"no tax: {tax}\")\n        \
           result = self.amount * (1 + tax)\n        for extra in range(self.number):\n            result += decimal.Decimal(extra) / 100\n        \
           return result if result > 0 else decimal.Decimal(0)\n\n    def is_late(self, now):\n        return now - self.placed > datetime.timedelta(days=14)\n\n\n",
};

pub(super) const JAVASCRIPT: Language = Language {
    name: "JavaScript",
    ending: "js",
    head: "// Orders, and what becomes of them.\nimport { format } from \"./format.js\";\n\n",
    part: "export class NAME {\n  constructor(number, amount, placed) {\n    this.number = number;\n    this.amount = amount;\n    this.placed = placed;\n  }\n\n  \
           total(tax) {\n    // The tax comes on top.\n    if (tax === undefined || tax < 0) {\n      throw new Error(`no tax: ${tax}`);\n    }\n    \
           let result = this.amount * (1 + tax);\n    for (let extra = 0; extra < this.number; extra += 1) {\n      result += extra / 100;\n    }\n    \
           return result > 0 ? format(result) : format(0);\n  }\n\n  isLate(now) {\n    return now - this.placed > 14 * 24 * 60 * 60 * 1000;\n  }\n}\n\n",
};

impl Language {
    /// Writes so many files with so many bytes together; how many there are really.
    pub(super) fn write(&self, folder: &Path, count: usize, bytes: u64) -> io::Result<u64> {
        // Else tools take these files for those that git ignores in our own repository, and read none of them.
        fs::create_dir_all(folder.join(".git"))?;
        let mut written = 0;
        for n in 0..count {
            let below = folder.join(format!("p{:03}", n / PER_PROJECT));
            fs::create_dir_all(&below)?;
            // So much of the whole as there are files.
            let goal = bytes * (n as u64 + 1) / count as u64;
            let mut text = self.head.to_owned();
            let mut part = 0;
            while written + (text.len() as u64) < goal || part == 0 {
                text.push_str(&self.part.replace("NAME", &format!("Order{n}x{part}")));
                part += 1;
            }
            written += text.len() as u64;
            fs::write(below.join(format!("m{n:05}.{}", self.ending)), text)?;
        }
        Ok(written)
    }
}
