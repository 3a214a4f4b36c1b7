//! Finds the records of RFC 4180 text, so that a large file can be read in chunks that end with a record, and so
//! that what is not well-formed is named by its row.
//!
//! Stricter than most readers, because a quote in the wrong place shifts money into another column: a quote
//! stands only around a whole field, every record has as many fields as the header, and nothing follows a
//! closing quote. Lines end with LF or CRLF; empty lines are accepted at the end only.

/// The longest record. An unclosed quote swallows all that follows: this bounds how much, and finds it.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// What is not well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadCsv {
    /// The row; the header is row 1.
    pub row: u64,
    /// What is wrong and what to do.
    pub message: String,
}

/// Where the records of a block end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Just after the first record that ends in the block.
    pub first: Option<usize>,
    /// Just after the last record that ends in the block.
    pub last: Option<usize>,
    /// How many end in it.
    pub records: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    Plain,
    Quoted,
    QuoteInQuoted,
    CarriageReturn,
}

/// Follows the records through a file, block by block.
#[derive(Debug)]
pub(super) struct Scanner {
    state: State,
    /// Of the record that is being read, or comes next; the header is row 1.
    row: u64,
    /// Fields that ended in this record.
    fields: usize,
    /// Fields of the header, once it has ended.
    expected: Option<usize>,
    record_bytes: usize,
    /// The first of the empty lines that were seen last.
    empty_row: Option<u64>,
}

impl Scanner {
    /// At the start of a file, after its byte order mark.
    pub(super) fn new() -> Self {
        Self {
            state: State::RecordStart,
            row: 1,
            fields: 0,
            expected: None,
            record_bytes: 0,
            empty_row: None,
        }
    }

    /// Reads on.
    pub(super) fn scan(&mut self, block: &[u8]) -> Result<Cut, BadCsv> {
        let mut cut = Cut::default();
        let mut position = 0;
        while position < block.len() {
            // Most bytes change nothing: run over them.
            let plain = match self.state {
                State::Plain => block[position..]
                    .iter()
                    .position(|byte| matches!(byte, b',' | b'\n' | b'\r' | b'"')),
                State::Quoted => block[position..].iter().position(|byte| *byte == b'"'),
                _ => Some(0),
            };
            let plain = plain.unwrap_or(block.len() - position);
            self.record_bytes += plain + 1;
            position += plain;
            if self.record_bytes > MAX_RECORD_BYTES {
                return Err(self.bad("is longer than 1 MiB; is a quote missing?".to_owned()));
            }
            let Some(&byte) = block.get(position) else {
                self.record_bytes -= 1;
                break;
            };
            position += 1;
            if self.step(byte)? {
                cut.first = cut.first.or(Some(position));
                cut.last = Some(position);
                cut.records += 1;
            }
        }
        Ok(cut)
    }

    /// The end of the file. Whether it ended a record that had no newline.
    pub(super) fn finish(&mut self) -> Result<bool, BadCsv> {
        match self.state {
            State::RecordStart => Ok(false),
            State::Quoted => Err(self.bad("has a quote that is never closed".to_owned())),
            State::CarriageReturn if self.record_bytes == 1 => Ok(false),
            _ => {
                self.fields += 1;
                self.end_record().map(|()| true)
            }
        }
    }

    /// Takes one byte; whether it ended a record.
    fn step(&mut self, byte: u8) -> Result<bool, BadCsv> {
        self.state = match (self.state, byte) {
            (State::RecordStart, b'\n') => return Ok(self.end_empty_line()),
            (State::RecordStart, b'\r') => State::CarriageReturn,
            (State::CarriageReturn, b'\n') if self.record_bytes == 2 && self.fields == 0 => {
                return Ok(self.end_empty_line());
            }
            (State::CarriageReturn, b'\n') => return self.end_line(),
            (State::CarriageReturn, _) => {
                return Err(self.bad("has a carriage return without a line feed; end lines with LF or CRLF".to_owned()));
            }
            (State::RecordStart | State::FieldStart, b'"') => {
                self.check_no_empty_line()?;
                State::Quoted
            }
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) => State::Quoted,
            (State::QuoteInQuoted, b'"') => State::Quoted,
            (_, b',') => {
                self.check_no_empty_line()?;
                self.fields += 1;
                State::FieldStart
            }
            (_, b'\n') => return self.end_line(),
            (_, b'\r') => State::CarriageReturn,
            (State::QuoteInQuoted, _) => {
                return Err(
                    self.bad("has text after a closing quote; write a quote in a quoted field twice".to_owned())
                );
            }
            (State::Plain, b'"') => {
                return Err(self.bad("has a quote inside an unquoted field; put the whole field in quotes".to_owned()));
            }
            (State::RecordStart | State::FieldStart | State::Plain, _) => {
                self.check_no_empty_line()?;
                State::Plain
            }
        };
        Ok(false)
    }

    fn end_line(&mut self) -> Result<bool, BadCsv> {
        self.fields += 1;
        self.end_record().map(|()| true)
    }

    fn end_record(&mut self) -> Result<(), BadCsv> {
        let fields = self.fields;
        let expected = *self.expected.get_or_insert(fields);
        if fields != expected {
            return Err(self.bad(format!(
                "has {fields} fields, the header has {expected}; put fields with commas in quotes"
            )));
        }
        self.row += 1;
        self.fields = 0;
        self.record_bytes = 0;
        self.state = State::RecordStart;
        Ok(())
    }

    /// Empty lines are no records; they count as rows so that numbers agree with an editor's.
    fn end_empty_line(&mut self) -> bool {
        self.empty_row = self.empty_row.or(Some(self.row));
        self.row += 1;
        self.record_bytes = 0;
        self.state = State::RecordStart;
        false
    }

    fn check_no_empty_line(&self) -> Result<(), BadCsv> {
        match self.empty_row {
            None => Ok(()),
            Some(row) => Err(BadCsv {
                row,
                message: "is empty; remove the line".to_owned(),
            }),
        }
    }

    fn bad(&self, message: String) -> BadCsv {
        BadCsv { row: self.row, message }
    }
}

/// The fields of one well-formed record, without its line end.
pub(super) fn fields_of(record: &str) -> Vec<String> {
    let record = record.strip_suffix('\n').unwrap_or(record);
    let record = record.strip_suffix('\r').unwrap_or(record);
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = record.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ',' if !quoted => fields.push(String::new()),
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut().expect("never empty").push('"');
            }
            '"' => quoted = !quoted,
            other => fields.last_mut().expect("never empty").push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many records a text has, or row and message of what is wrong, read in blocks of `size` bytes.
    fn scan(text: &str, size: usize) -> Result<u64, (u64, String)> {
        let mut scanner = Scanner::new();
        let mut records = 0;
        let told = |bad: BadCsv| (bad.row, bad.message);
        for block in text.as_bytes().chunks(size) {
            records += scanner.scan(block).map_err(told)?.records;
        }
        Ok(records + u64::from(scanner.finish().map_err(told)?))
    }

    #[test]
    fn malformed_text_is_named_by_row_wherever_blocks_are_cut() {
        let sound = |records: u64| Ok::<u64, (u64, &str)>(records);
        let cases = [
            ("", sound(0)),
            ("a,b", sound(1)),
            ("a,b\n", sound(1)),
            ("a,b\r\n1,2\r\n", sound(2)),
            ("a,b\n1,2\n\n\r\n", sound(2)),
            ("a,b\n\"x\n\"\"y\"\",\",2\n,\n", sound(3)),
            ("a,b\n\"\",\"\"", sound(2)),
            ("a,b\n1,2\r", sound(2)),
            ("a,b\n\r", sound(1)),
            (
                "a,b\n1\n",
                Err((2, "has 1 fields, the header has 2; put fields with commas in quotes")),
            ),
            (
                "a,b\n1,2\n1,2,3",
                Err((3, "has 3 fields, the header has 2; put fields with commas in quotes")),
            ),
            ("a,b\n\n1,2\n", Err((2, "is empty; remove the line"))),
            (
                "a,b\n\"\n\",2\n\"1,2\n3,4\n",
                Err((3, "has a quote that is never closed")),
            ),
            (
                "a,b\n1\",2\n",
                Err((2, "has a quote inside an unquoted field; put the whole field in quotes")),
            ),
            (
                "a,b\n\"1\"x,2\n",
                Err((
                    2,
                    "has text after a closing quote; write a quote in a quoted field twice",
                )),
            ),
            (
                "a,b\n1\r2,2\n",
                Err((
                    2,
                    "has a carriage return without a line feed; end lines with LF or CRLF",
                )),
            ),
        ];
        for (text, expected) in cases {
            for size in 1..=text.len().max(1) {
                let got = scan(text, size);
                let expected = expected.map_err(|(row, message)| (row, message.to_owned()));
                assert_eq!(got, expected, "{text:?} in blocks of {size}");
            }
        }
    }

    #[test]
    fn a_record_is_bounded() {
        let text = format!("a,b\n\"{}", "x\n".repeat(MAX_RECORD_BYTES));
        assert_eq!(
            scan(&text, 4096),
            Err((2, "is longer than 1 MiB; is a quote missing?".to_owned()))
        );
    }

    #[test]
    fn cuts_are_record_ends() {
        let text = "a,b\n\"x\ny\",2\n3,4";
        let cut = Scanner::new().scan(text.as_bytes()).expect("well-formed");
        assert_eq!(
            cut,
            Cut {
                first: Some(4),
                last: Some(12),
                records: 2
            }
        );
    }

    #[test]
    fn fields_lose_their_quotes() {
        assert_eq!(fields_of("a,\"b,\"\"c\"\"\",\r\n"), ["a", "b,\"c\"", ""]);
    }
}
