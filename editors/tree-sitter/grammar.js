// The journey language for tree-sitter. `cargo xtask tree-sitter` makes src/ from this file.
//
// The names of nodes are those of grammar/journey.pest, which is the specification. Errors are the language server's
// business: what is no journey may pass here. All braces that hold lines hold the same lines, whatever they belong to,
// and what may end a line may stand alone: with a set of followers for every place of its own, the parser would be ten
// times as large.
//
// A word that the language knows is a name wherever nothing else can stand; tree-sitter's lexer does that by itself. Where
// both can stand, the word goes first; `path` and `_handle` take those that may be names there all the same.

const STATUSES = ['sent', 'delivered', 'opened', 'clicked', 'replied', 'bounced', 'complained', 'failed', 'skipped'];
const DAYS = [
  'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday', 'weekdays', 'weekends',
];

/** Words that mean something in few places, and are names even where one may be left out. */
const CONTEXTUAL = [
  'reachable', 'did', 'chance', 'was', 'all', 'none', 'first', 'last', 'count', 'sum', 'average', 'min', 'max', 'no',
  'stage', 'path',
];

/** Words that begin something, and name a value where what follows says so. */
const NAMES_TOO = [
  ...CONTEXTUAL, ...STATUSES, 'any', 'has', 'consents', 'exactly', 'created', 'subscribed', 'unsubscribed', 'message',
  'tag', 'untag', 'goal', 'topic', 'purpose', 'hours', 'priority', 'holdout', 'migrate', 'per', 'reenter', 'collect',
  'exit', 'event', 'answer', 'given', 'expect', 'enters', 'leaves', 'reaches',
];

/** Words that begin or go on with a line of a test, and name a message where a line ends behind them. */
const LINE_WORDS = ['tag', 'untag', 'event', 'answer', 'given', 'at', 'after', 'for', 'because'];

/** Words that may stand where a message's name may be left out, but not in a test: there they are the name. */
const NO_LINES = [
  'per', 'reenter', 'collect', 'exit', 'goal', 'topic', 'purpose', 'hours', 'priority', 'holdout', 'migrate', 'as', 'with',
  'from', 'to', 'via', 'up', 'within', 'expires', 'exactly', 'link', 'since', 'measure', 'then', 'until', 'enters', 'leaves',
  'reaches', 'any', 'has', 'consents',
];

/** How tightly operators tie. */
const PREC = { or: 1, ending: 2, and: 3, not: 4, compare: 5, operand: 6, sum: 7, product: 8, negative: 9 };

const name = $ => alias($.word, $.name);
const named = $ => field('name', name($));
const separated = (rule, separator) => seq(rule, repeat(seq(separator, rule)));
const listed = rule => optional(seq(separated(rule, ','), optional(',')));

module.exports = grammar({
  name: 'journey',

  word: $ => $.word,

  extras: $ => [/[\s\uFEFF]/, $.doc_comment, $.comment],

  // Whether a word names the message or begins the next line shows behind it.
  conflicts: $ => [[$.expect_send], [$.expect_skipped]],

  supertypes: $ => [$._declaration, $._clause, $._step, $._expr],

  rules: {
    file: $ => repeat(choice($._declaration, $.test, $.journey, $._clause, $._step, $._tail)),

    // Declarations --------------------------------------------------------------------------------------------------

    _declaration: $ => choice(
      $.contact_decl, $.tags_decl, $.event_decl, $.topic_decl, $.funnel_decl, $.segment_decl, $.score_decl,
      $.voucher_decl, $.policy_decl,
    ),

    contact_decl: $ => seq('contact', $.field_list),
    tags_decl: $ => seq('tags', '{', repeat(seq(name($), optional(','))), '}'),
    event_decl: $ => seq('event', named($), optional($.field_list)),
    topic_decl: $ => seq('topic', named($), $.string),
    funnel_decl: $ => seq('funnel', named($), '{', separated($.stage_group, '->'), '}'),
    stage_group: $ => separated(name($), '|'),
    segment_decl: $ => seq('segment', named($), '=', $._expr),
    score_decl: $ => seq('score', named($), '{', repeat(seq(choice($.score_decay, $.score_rule), optional(','))), '}'),
    score_rule: $ => seq($._pattern, optional(':'), choice('+', '-'), $.number),
    score_decay: $ => seq('halves', 'every', $.duration),
    voucher_decl: $ => seq('voucher', named($), $.string, choice(seq('from', 'file', $.string), seq('generate', $.string))),
    policy_decl: $ => seq(
      'policy', '{', repeat(choice($.sender_rule, $.address_rule, $.quiet_hours_rule, $.cap_rule, $.rate_rule)), '}',
    ),
    sender_rule: $ => seq('sender', optional(name($)), $.string),
    address_rule: $ => seq('address', $.string),
    quiet_hours_rule: $ => seq('quiet', 'hours', optional(name($)), $.window),
    cap_rule: $ => seq('cap', optional(name($)), $.number, optional('messages'), 'per', $.duration),
    rate_rule: $ => seq('rate', optional(name($)), $.number, optional('messages'), 'per', $.duration),

    field_list: $ => seq('{', repeat(seq($.field, optional(','))), '}'),
    field: $ => seq(field('name', $.word), ':', field('type', $.type_ref), optional(seq('=', $._constant))),
    type_ref: $ => prec.right(seq(choice($.enum_type, $.list_type, name($)), optional('?'))),
    enum_type: $ => seq('enum', '{', repeat(seq(name($), optional(','))), '}'),
    list_type: $ => seq('list', 'of', $.type_ref),

    // Items ---------------------------------------------------------------------------------------------------------

    // See the head of this file.
    block: $ => seq('{', repeat($._item), '}'),
    _item: $ => choice(
      $._clause, $._step, $._arm, $._line, $._tail, $.block,
    ),

    journey: $ => seq('journey', named($), $.block),

    _clause: $ => choice(
      $.trigger_clause, $.where_clause, $.per_clause, $.reenter_clause, $.collect_clause, $.exit_clause, $.goal_clause,
      $.topic_clause, $.purpose_clause, $.hours_clause, $.priority_clause, $.holdout_clause, $.migrate_clause,
    ),

    _tail: $ => choice(
      $.else_branch, $.as_clause, $.with_clause, $.from_clause, $.to_clause, $.via_clause, $.at_clause, $.up_to_clause,
      $.window_clause, $.from_now, $.expires_clause, $.limit_clause, $.link_clause, $._history, $.measure_clause,
      $.run_for_clause, $.best_clause, $.until_clause, $.for_clause, $.because_clause,
    ),

    trigger_clause: $ => seq('on', $._trigger),
    where_clause: $ => prec.right(seq('where', $._expr)),
    per_clause: $ => seq('per', $.path),
    reenter_clause: $ => seq('reenter', choice('never', 'always', 'restart', seq('after', $.duration))),
    collect_clause: $ => prec.right(seq(
      'collect',
      choice(seq('for', $.duration), seq('until', choice(seq($.day_set, optional($.time)), $.time))),
      repeat(choice($.per_clause, $.limit_clause, $.as_clause)),
    )),
    limit_clause: $ => seq($.bound, $.number),
    exit_clause: $ => prec.right(seq('exit', choice(
      seq('when', separated($._exit_item, 'or'), optional($.block)),
      seq('on', 'goal'),
      seq('after', $.duration),
    ))),
    _exit_item: $ => choice(
      $.tag_pattern, $.segment_pattern, $.stage_pattern, $.created_pattern, $.consent_pattern, $.message_pattern,
      $.change_pattern, alias($._filtered_event, $.event_pattern), prec(PREC.ending, $._expr),
    ),
    _filtered_event: $ => prec(1, seq(name($), $.where_clause)),
    goal_clause: $ => prec.right(seq('goal', $._pattern, optional($.within_clause))),
    topic_clause: $ => seq('topic', name($)),
    purpose_clause: $ => seq('purpose', name($)),
    hours_clause: $ => seq('hours', $.window),
    priority_clause: $ => seq('priority', name($)),
    holdout_clause: $ => seq('holdout', $.percent),
    migrate_clause: $ => seq('migrate', name($), 'to', choice('end', name($))),

    // Triggers and happenings ---------------------------------------------------------------------------------------

    _trigger: $ => choice($.call_trigger, $.schedule_trigger, $.date_trigger, $.anniversary_trigger, $._pattern),
    call_trigger: $ => prec.right(seq('call', optional($.field_list))),
    schedule_trigger: $ => prec.right(seq(
      'every', choice($.day_set, 'day', $.duration), repeat(choice($.from_clause, $.at_clause, $.for_clause)),
    )),
    date_trigger: $ => prec.right(seq($.duration, choice('before', 'after'), $.path, optional($.at_clause))),
    anniversary_trigger: $ => seq($.path, $.at_clause),

    _pattern: $ => choice($._word_pattern, $.change_pattern, $.event_pattern),
    _word_pattern: $ => choice(
      $.status_pattern, $.tag_pattern, $.segment_pattern, $.stage_pattern, $.created_pattern, $.consent_pattern,
      $.message_pattern,
    ),
    event_pattern: $ => choice(prec(-1, name($)), $._filtered_event),
    status_pattern: $ => prec.right(seq(
      field('status', choice(...STATUSES)), optional($._message_ref), optional($.link_clause),
    )),
    tag_pattern: $ => seq(choice('tag', 'untag'), name($)),
    segment_pattern: $ => seq(choice('enters', 'leaves'), $.path),
    stage_pattern: $ => seq('reaches', $.path),
    created_pattern: $ => 'created',
    consent_pattern: $ => prec.right(seq(choice('subscribed', 'unsubscribed'), optional(name($)), optional($.via_clause))),
    message_pattern: $ => prec.right(seq(
      'message', optional($.string), optional($.via_clause), optional($.where_clause),
    )),
    change_pattern: $ => prec.right(seq($.path, 'changes', repeat(choice($.from_clause, $.to_clause)))),
    _message_ref: $ => choice($.any_message, $._handle),
    any_message: $ => seq('any', name($)),
    link_clause: $ => seq('link', $.string),

    // Steps ---------------------------------------------------------------------------------------------------------

    _step: $ => choice(
      $.send_step, $.wait_step, $.wait_until_step, $.wait_for_step, $.race_step, $.countdown_step, $.if_step,
      $.choose_step, $.split_step, $.repeat_step, $.add_tag_step, $.add_step, $.remove_tag_step, $.remove_step,
      $.set_step, $.move_step, $.record_step, $.subscribe_step, $.unsubscribe_step, $.suppress_step, $.delete_step,
      $.notify_step, $.call_step, $.voucher_step, $.let_step, $.ask_step, $.start_step, $.stop_step, $.step_label,
      $.end_step,
    ),

    send_step: $ => prec.right(seq(
      'send', $.channel_list, field('message', choice($.string, $._handle)),
      repeat(choice($.as_clause, $.with_clause, $.from_clause, $.to_clause)),
    )),
    channel_list: $ => separated(name($), 'or'),
    wait_step: $ => prec.right(seq('wait', $._expr, optional($.to_clause), optional($.window_clause))),
    wait_until_step: $ => prec.right(seq(
      'wait', 'until',
      choice(
        $.window_clause,
        seq($.day_set, optional(choice($.time, $.at_clause))),
        seq($._expr, optional($.at_clause)),
      ),
      optional($.up_to_clause), optional($.else_branch),
    )),
    wait_for_step: $ => prec.right(seq(
      'wait', 'for', $._pattern, optional($.from_now), optional($.up_to_clause), optional($.else_branch),
    )),
    race_step: $ => prec.right(seq('wait', 'for', 'first', optional($.block))),
    countdown_step: $ => prec.right(seq('countdown', 'to', $._expr, optional($.block), optional($.else_branch))),
    if_step: $ => prec.right(seq('if', $._expr, optional($._body), optional($.else_branch))),
    _body: $ => choice($._step, $.block),
    else_branch: $ => prec.right(seq('else', optional($._body))),
    choose_step: $ => prec.right(seq('choose', $._expr, optional($.block))),
    split_step: $ => prec.right(seq(
      'split', named($), $.block, repeat(choice($.measure_clause, $.run_for_clause, $.best_clause)),
    )),
    measure_clause: $ => prec.right(seq('measure', $._pattern, optional($.within_clause))),
    run_for_clause: $ => seq('for', $.bound, $.duration),
    best_clause: $ => seq('then', 'best'),
    repeat_step: $ => prec.right(seq(
      'repeat', 'up', 'to', $.number, choice('times', 'time'), optional($.until_clause), optional($.block),
    )),
    until_clause: $ => prec.right(seq('until', $._expr)),
    add_tag_step: $ => seq('add', 'tag', name($)),
    remove_tag_step: $ => seq('remove', 'tag', name($)),
    add_step: $ => prec.right(seq('add', $._expr, optional($.to_clause))),
    remove_step: $ => prec.right(seq('remove', $._expr, optional($.from_clause))),
    set_step: $ => seq('set', $.path, 'to', $._expr),
    move_step: $ => seq('move', 'to', $.path),
    record_step: $ => prec.right(seq('record', name($), optional($.record_literal))),
    subscribe_step: $ => prec.right(seq('subscribe', name($), repeat(choice($.via_clause, $.with_clause)))),
    unsubscribe_step: $ => prec.right(seq('unsubscribe', optional(name($)), optional($.via_clause))),
    suppress_step: $ => prec.right(seq('suppress', optional($.string))),
    delete_step: $ => seq('delete', 'contact'),
    notify_step: $ => prec.right(seq('notify', $.path, $.string, optional($.string))),
    call_step: $ => prec.right(seq(
      'call', $.path, optional($.record_literal), optional($.as_clause), optional($.up_to_clause),
      optional($.else_branch),
    )),
    voucher_step: $ => prec.right(seq('voucher', name($), optional($.as_clause), optional($.expires_clause))),
    expires_clause: $ => prec(PREC.operand, seq('expires', $._expr)),
    let_step: $ => seq('let', named($), '=', $._expr),
    ask_step: $ => prec.right(seq('ask', $.path, $.string, optional($.up_to_clause), optional($.block))),
    start_step: $ => prec.right(seq('start', 'journey', name($), optional(seq('with', $.record_literal)))),
    stop_step: $ => seq('stop', 'journey', name($)),
    step_label: $ => seq('step', named($), ':'),
    end_step: $ => 'end',

    as_clause: $ => seq('as', named($)),
    with_clause: $ => prec(PREC.operand, seq('with', name($), $._expr)),
    from_clause: $ => prec(PREC.operand, seq('from', $._expr)),
    to_clause: $ => prec(PREC.operand, seq('to', $._expr)),
    via_clause: $ => seq('via', name($)),
    at_clause: $ => prec.right(seq('at', choice(seq($.date, optional($.time)), $.time))),
    up_to_clause: $ => prec.right(seq('up', 'to', $.duration, optional($.window_clause))),
    window_clause: $ => prec.right(seq('within', $.window)),
    from_now: $ => seq('from', 'now'),
    window: $ => prec.right(choice(
      seq($.day_set, optional(seq($.time, 'to', $.time))),
      seq($.time, 'to', $.time),
    )),
    day_set: $ => prec.right(separated(seq($._day, optional(seq('to', $._day))), ',')),
    _day: $ => choice(...DAYS),
    record_literal: $ => seq('{', listed($.field_value), '}'),
    field_value: $ => seq(field('name', $.word), ':', $._expr),

    // The arms of `choose`, `ask`, `split` and `wait for first`, and the points of a countdown.
    _arm: $ => choice($.arm, $.race_arm, $.timeout_arm, $.split_arm, $.countdown_point),
    arm: $ => seq(separated(choice($.value_range, $._constant), ','), optional($.from_now), $.block),
    value_range: $ => seq($._constant, 'to', $._constant),
    race_arm: $ => seq(
      choice($._word_pattern, $.change_pattern, alias($._filtered_event, $.event_pattern)), optional($.from_now), $.block,
    ),
    timeout_arm: $ => seq($.after_moment, optional($.window_clause), $.block),
    split_arm: $ => seq($.percent, name($), $.block),
    countdown_point: $ => prec.right(seq(
      choice(seq($.duration, choice('before', 'after')), seq('on', 'the', 'day')), optional($.at_clause),
      optional($._body),
    )),

    // The lines of a test.
    test: $ => seq('test', field('name', $.string), $.block),
    _line: $ => choice($.given_contact, $.given_call, $.expect, prec(-1, $.after_moment), $.event_stimulus, $.answer_stimulus,
      prec(-1, $._word_pattern),
    ),
    given_contact: $ => prec.right(seq(
      'given', 'contact', optional(name($)), optional($.record_literal),
      repeat(seq(optional('and'), choice($.consent_expr, $.has_tag_expr, $.member_expr))),
    )),
    given_call: $ => seq('given', 'call', $.path, choice(seq('returns', $.record_literal), 'fails')),
    expect: $ => prec.right(seq('expect', optional('no'), choice($._effect, $._expr), optional($.for_clause))),
    after_moment: $ => seq('after', $.duration),
    for_clause: $ => seq('for', name($)),
    event_stimulus: $ => choice(
      prec.right(seq('event', name($))),
      prec.dynamic(2, prec.right(seq('event', name($), $.record_literal))),
    ),
    answer_stimulus: $ => seq('answer', name($)),
    _effect: $ => choice($.expect_send, $.expect_end, $.expect_skipped, $.expect_wait, $.expect_effect),
    expect_send: $ => choice(
      prec.right(seq('send', optional(seq($._handle, $.string)))),
      seq('send', $._handle, optional($._line_name)),
      prec(1, seq('send', $._handle, $._message)),
    ),
    expect_end: $ => prec.right(seq('end', optional($.because_clause))),
    expect_skipped: $ => choice(
      $._skipped,
      prec.right(seq($._skipped, $._line_name, optional($.because_clause))),
      prec.right(1, seq($._skipped, choice($._message, $.because_clause))),
      prec.right(1, seq($._skipped, $._message, $.because_clause)),
    ),
    // A token of its own: here it never asks about a message.
    _skipped: $ => alias(/skipped/, 'skipped'),
    expect_wait: $ => prec.right(seq('wait', optional(seq('until', choice(seq($.date, optional($.time)), $.time))))),
    expect_effect: $ => choice(
      'suppress',
      prec.right(seq('unsubscribe', optional(alias($._handle, $.path)), optional($.via_clause))),
      seq(
        choice('tag', 'untag', 'stage', 'path', 'notify', 'call', 'record', 'voucher', 'ask', 'subscribe', 'start', 'goal'),
        $.path,
      ),
    ),
    because_clause: $ => prec(1, seq('because', name($))),

    // Conditions ----------------------------------------------------------------------------------------------------

    _expr: $ => choice(
      $.or_expr, $.and_expr, $.not_expr,
      $.status_expr, $.has_tag_expr, $.member_expr, $.consent_expr, $.reachable_expr, $.did_expr, $.chance_expr,
      $.quantified_expr, $.changed_expr,
      $._comparison, $.sum_expr, $.product_expr, $.neg_expr,
      $.paren_expr, $.list_expr, $.ago_expr, $._literals, $.occurrence_expr, $.aggregate_expr, $.function_expr, $.path,
    ),
    or_expr: $ => prec.left(PREC.or, seq($._expr, 'or', $._expr)),
    and_expr: $ => prec.left(PREC.and, seq($._expr, 'and', $._expr)),
    not_expr: $ => prec(PREC.not, seq('not', $._expr)),

    status_expr: $ => prec.right(seq(
      field('status', choice(...STATUSES)), optional($._message_ref), optional($.link_clause), repeat($._history),
    )),
    has_tag_expr: $ => seq('has', 'tag', name($)),
    member_expr: $ => choice(
      prec.right(seq('was', 'in', choice(seq('journey', name($)), $.path), repeat($._history))),
      prec(-1, seq('in', choice(seq('journey', name($)), $.path))),
    ),
    consent_expr: $ => prec.right(seq('consents', 'to', name($), optional($.via_clause))),
    reachable_expr: $ => seq('reachable', 'via', name($)),
    did_expr: $ => prec.right(seq('did', optional('not'), name($), optional($.where_clause), repeat($._history))),
    chance_expr: $ => seq('chance', $.percent),
    quantified_expr: $ => prec(-1, seq(choice('any', 'all', 'none', seq($.bound, $.number)), 'of', $.list_expr)),
    bound: $ => choice(token(/at\s+(least|most)/), 'exactly'),
    _history: $ => choice($.count_clause, $.within_clause, $.since_clause),
    count_clause: $ => seq($.bound, $.number, choice('times', 'time', 'days', 'day')),
    within_clause: $ => prec(PREC.operand, seq('within', $.duration)),
    since_clause: $ => prec.right(PREC.operand, seq('since', choice('entry', $._expr), optional(seq('until', $._expr)))),
    changed_expr: $ => prec.right(seq(
      $.path, 'changed', repeat(choice($.from_clause, $.to_clause, $._history)),
    )),

    _comparison: $ => choice(
      $.presence_expr, $.in_expr, $.between_expr, $.within_expr, $.match_expr, $.compare_expr,
    ),
    presence_expr: $ => prec.left(PREC.compare, seq($._expr, 'is', optional('not'), choice('set', 'empty'))),
    in_expr: $ => prec.left(PREC.compare, seq($._expr, optional('is'), optional('not'), 'in', $._expr)),
    between_expr: $ => prec.left(PREC.compare, seq(
      $._expr, optional('is'), optional('not'), 'between', $._expr, 'and', $._expr,
    )),
    within_expr: $ => prec.left(PREC.compare, seq(
      $._expr, optional('is'), optional('not'), 'within', choice(seq(optional(choice('last', 'next')), $.duration), $.window),
    )),
    match_expr: $ => prec.left(PREC.compare, seq(
      $._expr, optional('not'), choice('contains', 'matches', seq(choice('starts', 'ends'), 'with')),
      optional(seq(choice('any', 'all', 'none'), 'of')), $._expr,
    )),
    compare_expr: $ => prec.left(PREC.compare, seq(
      $._expr,
      choice(
        seq(optional(seq('is', optional('not'))), choice('before', 'after')),
        seq('is', optional('not')),
        '==', '!=', '<=', '<', '>=', '>',
      ),
      $._expr,
    )),

    // Values --------------------------------------------------------------------------------------------------------

    sum_expr: $ => prec.left(PREC.sum, seq($._expr, choice('+', '-'), $._expr)),
    product_expr: $ => prec.left(PREC.product, seq($._expr, choice('*', '/'), $._expr)),
    neg_expr: $ => prec(PREC.negative, seq('-', $._expr)),
    paren_expr: $ => seq('(', $._expr, ')'),
    list_expr: $ => seq('[', listed($._expr), ']'),
    ago_expr: $ => seq($.duration, 'ago'),
    occurrence_expr: $ => prec.right(seq(
      choice('first', 'last'), $.path, optional('at'), optional($.where_clause), repeat($._history),
    )),
    aggregate_expr: $ => prec.right(seq(
      choice('count', 'sum', 'average', 'min', 'max'), 'of', optional('distinct'), $.path, optional($.where_clause),
      repeat($._history),
    )),
    function_expr: $ => prec(PREC.negative, seq(field('function', name($)), 'of', $._expr)),
    _constant: $ => choice(alias($.neg_constant, $.neg_expr), $._literals, $.list_expr, $.path),
    neg_constant: $ => seq('-', $._literals),
    _literals: $ => choice($.money_literal, $.date_time_literal, $.literal),
    money_literal: $ => prec(1, seq($.number, $.currency)),
    date_time_literal: $ => prec(1, seq($.date, $.time)),
    literal: $ => choice($.percent, $.duration, $.time, $.date, $.number, $.string),

    // Names and signs -----------------------------------------------------------------------------------------------

    path: $ => seq(choice($.word, alias($._known_word, $.word)), repeat(seq('.', $.word))),
    _handle: $ => choice(name($), alias($._contextual, $.name)),
    // Which message a test expects.
    _message: $ => choice($._handle, alias($._no_line, $.name)),
    _line_name: $ => alias($._line_word, $.name),
    _no_line: $ => choice(...NO_LINES),
    // What follows `expect` can always stand alone too; what follows the others cannot, so there a name is meant if it may be.
    _line_word: $ => choice(prec.dynamic(1, choice(...LINE_WORDS)), prec.dynamic(-1, 'expect')),
    _contextual: $ => choice(...CONTEXTUAL),
    _known_word: $ => prec(-1, choice(...NAMES_TOO)),
    currency: $ => /[A-Z]{3}/,
    word: $ => /[\p{XID_Start}_]\p{XID_Continue}*/,
    number: $ => /[0-9]+(\.[0-9]+)?/,
    percent: $ => /[0-9]+(\.[0-9]+)?%/,
    duration: $ => /([0-9]+(s|m|h|d|w|mo|y))+/,
    time: $ => /[0-9]{1,2}:[0-9]{2}/,
    date: $ => /[0-9]{4}-[0-9]{2}-[0-9]{2}/,

    string: $ => seq('"', repeat(choice($._text, $.escape, $.interpolation)), token.immediate('"')),
    _text: $ => choice(token.immediate(prec(1, /[^"\\\r\n{]+/)), token.immediate('{')),
    escape: $ => token.immediate(/\\["\\n{]/),
    interpolation: $ => token.immediate(/\{\{[^}"\\\r\n]*\}\}|\{%[^%"\\\r\n]*%\}/),

    doc_comment: $ => token(/\/\/\/([^\/\r\n][^\r\n]*)?/),
    comment: $ => token(/\/\/[^\r\n]*/),
  },
});
