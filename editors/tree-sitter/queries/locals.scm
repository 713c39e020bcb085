; Names that hold inside one journey: handles of messages, values of `let`, labels of steps.

(journey) @local.scope
(test) @local.scope

(as_clause name: (name) @local.definition)
(let_step name: (name) @local.definition)

(status_pattern (name) @local.reference)
(status_expr (name) @local.reference)
(path . (word) @local.reference)
