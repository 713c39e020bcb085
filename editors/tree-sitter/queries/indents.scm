; Helix, and Neovim's nvim-treesitter.

[
  (block)
  (record_literal)
  (field_list)
  (tags_decl)
  (enum_type)
  (funnel_decl)
  (score_decl)
  (policy_decl)
] @indent @indent.begin

"}" @outdent @indent.branch
