[
  (block)
  (record_literal)
  (field_list)
  (tags_decl)
  (funnel_decl)
  (score_decl)
  (policy_decl)
] @fold
