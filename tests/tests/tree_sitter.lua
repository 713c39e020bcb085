-- Run by tree_sitter.rs in a headless Neovim: loads the parser in PARSER, reads every file in the folder CORPUS with it, and
-- the queries in QUERIES. What is wrong goes to stdout as JSON, and what is highlighted in the file SHOWN.

vim.treesitter.require_language('journey', os.getenv('PARSER'))

local function read(path)
  local file = assert(io.open(path))
  local text = file:read('*a')
  file:close()
  return text
end

local function parse(text) return vim.treesitter.get_string_parser(text, 'journey'):parse()[1]:root() end

-- The first place that the parser does not understand.
local function first_error(node)
  if node:type() == 'ERROR' or node:missing() then return node end
  for child in node:iter_children() do
    if child:has_error() or child:missing() then
      local found = first_error(child)
      if found then return found end
    end
  end
end

-- What tests expect, each as one line of text.
local function expected(node, text, found)
  if vim.startswith(node:type(), 'expect_') and node:named() then
    local words = vim.treesitter.get_node_text(node, text):gsub('%s+', ' ')
    table.insert(found, (words:gsub('^ ', ''):gsub(' $', '')))
  end
  for child in node:iter_children() do expected(child, text, found) end
end

local errors, files, expects = {}, 0, vim.empty_dict()
for _, path in ipairs(vim.fn.globpath(os.getenv('CORPUS'), '*', false, true)) do
  files = files + 1
  local text = read(path)
  local root = parse(text)
  local found = {}
  expected(root, text, found)
  if #found > 0 then expects[vim.fn.fnamemodify(path, ':t')] = found end
  if root:has_error() then
    local line = (first_error(root) or root):start()
    table.insert(errors, { file = vim.fn.fnamemodify(path, ':t'), line = line + 1 })
  end
end

local queries = {}
for _, path in ipairs(vim.fn.globpath(os.getenv('QUERIES'), '*.scm', false, true)) do
  local name = vim.fn.fnamemodify(path, ':t:r')
  local good, query = pcall(vim.treesitter.parse_query, 'journey', read(path))
  queries[name] = query
  if not good then table.insert(errors, { file = name .. '.scm', line = tostring(query) }) end
end

local text = read(os.getenv('SHOWN'))
local shown = {}
for id, node in queries.highlights:iter_captures(parse(text), text, 0, -1) do
  local line, column = node:start()
  table.insert(shown, { line + 1, column + 1, vim.treesitter.get_node_text(node, text), queries.highlights.captures[id] })
end

io.stdout:write(vim.fn.json_encode({ files = files, errors = errors, expects = expects, shown = shown }) .. '\n')
vim.cmd('qall!')
