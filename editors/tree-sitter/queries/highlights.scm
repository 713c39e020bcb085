; Names of captures that Helix, Zed and Neovim know, or whose part before the dot they know.

(comment) @comment
(doc_comment) @comment.documentation

; Words -----------------------------------------------------------------------------------------------------------

[
  "send" "wait" "countdown" "if" "else" "choose" "split" "repeat" "add" "remove" "set" "move" "record" "subscribe"
  "unsubscribe" "suppress" "delete" "notify" "call" "voucher" "let" "ask" "start" "stop" "step" "end"
  "first" "the" "day" "times" "time" "then" "best" "measure" "expires"
] @keyword.control

[
  "journey" "test" "contact" "tags" "event" "topic" "funnel" "segment" "score" "policy"
] @keyword.storage

[
  "on" "where" "per" "reenter" "collect" "exit" "goal" "purpose" "hours" "priority" "holdout" "migrate"
  "when" "never" "always" "restart" "every" "halves" "sender" "address" "quiet" "cap" "rate" "messages" "file"
  "generate" "enum" "list"
  "as" "at" "up" "to" "from" "via" "with" "link" "within" "since" "until" "for" "entry" "now"
  "tag" "untag" "created" "subscribed" "unsubscribed" "message" "enters" "leaves" "reaches" "changes" "changed"
  "given" "expect" "answer" "because" "returns" "fails" "no" "stage" "path"
] @keyword

[
  "and" "or" "not" "is" "in" "before" "after" "between" "contains" "starts" "ends" "matches" "of" "any" "all" "none"
  "exactly" "last" "next" "ago" "empty" "distinct" "days" "has" "consents" "reachable" "did" "was" "chance"
  (bound)
] @keyword.operator

[ "count" "sum" "average" "min" "max" ] @function.builtin
[ "sent" "delivered" "opened" "clicked" "replied" "bounced" "complained" "failed" "skipped" ] @function.builtin
[
  "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday" "weekdays" "weekends"
] @constant.builtin

; Names -----------------------------------------------------------------------------------------------------------

(path (word) @variable)
(path (word) "." (word) @variable.other.member)
((path . (word) @variable.builtin) (#match? @variable.builtin "^(trigger|contact)$"))
((path . (word) @constant.builtin) (#match? @constant.builtin "^(yes|no|now|today)$"))

(field name: (word) @variable.other.member)
(field_value name: (word) @variable.other.member)
(type_ref (name) @type)
(enum_type (name) @constant)
(tags_decl (name) @tag)
(stage_group (name) @constant)
(function_expr function: (name) @function)

(journey name: (name) @type)
(start_step (name) @type)
(stop_step (name) @type)
(event_decl name: (name) @type)
(event_pattern (name) @type)
(event_stimulus (name) @type)
(record_step (name) @type)
(did_expr (name) @type)
(segment_decl name: (name) @type)
(score_decl name: (name) @type)
(funnel_decl name: (name) @type)
(topic_decl name: (name) @type)
(voucher_decl name: (name) @type)
(voucher_step (name) @type)
(topic_clause (name) @type)
(consent_expr (name) @type)
(subscribe_step (name) @type)
(unsubscribe_step (name) @type)
(consent_pattern (name) @type)

(tag_pattern (name) @tag)
(add_tag_step (name) @tag)
(remove_tag_step (name) @tag)
(has_tag_expr (name) @tag)

(channel_list (name) @constant)
(via_clause (name) @constant)
(purpose_clause (name) @constant)
(priority_clause (name) @constant)
(send_step message: (name) @function)
(status_pattern (name) @label)
(status_expr (name) @label)
(as_clause name: (name) @label)
(step_label name: (name) @label)
(migrate_clause (name) @label)
(split_step name: (name) @label)
(split_arm (name) @label)
(let_step name: (name) @variable)
(with_clause (name) @variable.other.member)
(given_contact (name) @variable)
(for_clause (name) @variable)

; Values ----------------------------------------------------------------------------------------------------------

[ (number) (percent) (duration) (time) (date) ] @constant.numeric
(currency) @constant.builtin
(string) @string
(escape) @string.escape
(interpolation) @string.special

[ "{" "}" "(" ")" "[" "]" ] @punctuation.bracket
[ "," ":" "." "?" "|" ] @punctuation.delimiter
[ "->" "=" "==" "!=" "<" "<=" ">" ">=" "+" "-" "*" "/" ] @operator
