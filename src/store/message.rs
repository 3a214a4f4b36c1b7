//! What a store's error says, for people: no credentials, no query strings, no pages of XML.

use std::error::Error;

/// The longest message that is worth reading.
const LIMIT: usize = 600;

/// The error and its causes in one line.
pub(super) fn of(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    clean(&text)
}

/// Takes out what may hold secrets (signatures stand in query strings and in S3's explanations of a rejected
/// signature) and what nobody reads.
fn clean(text: &str) -> String {
    let text = without_xml(text);
    let words: Vec<String> = text.split_whitespace().map(without_query).collect();
    let mut text = words.join(" ");
    if let Some((end, _)) = text.char_indices().nth(LIMIT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Keeps code and message of an XML error body.
fn without_xml(text: &str) -> String {
    let Some(start) = text.find("<?xml").or_else(|| text.find("<Error")) else {
        return text.to_owned();
    };
    let (before, body) = text.split_at(start);
    let said: Vec<&str> = [element(body, "Code"), element(body, "Message")]
        .into_iter()
        .flatten()
        .collect();
    format!("{before}{}", said.join(": "))
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}

/// A word that is or holds a URL, without user info and query.
fn without_query(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let bare = rest.split(['?', '#']).next().unwrap_or_default();
    let authority = bare.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{}", &bare[authority.len()..])
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn secrets_and_pages_are_cut() {
        let cases = [
            (
                "Error performing GET https://b.s3.amazonaws.com/x?X-Amz-Signature=abc in 1s - HTTP error",
                "Error performing GET https://b.s3.amazonaws.com/x in 1s - HTTP error",
            ),
            (
                "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch\
                 </Code><Message>no match</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>",
                "Server returned non-2xx status code: 403 Forbidden: SignatureDoesNotMatch: no match",
            ),
            ("(http://user:secret@host:1/a?b)", "(http://host:1/a"),
            ("no such host\n  at all", "no such host at all"),
        ];
        for (said, shown) in cases {
            assert_eq!(clean(said), shown);
        }
        assert_eq!(clean(&"ü".repeat(700)).chars().count(), 601);
    }
}
