-- Run by neovim.rs in a headless Neovim: opens the file named by JOURNEY_FILE with the server named by JOURNEY, waits
-- for its findings, takes the first quick fix and waits until nothing is left; then asks for what people use most, and
-- formats and renames. What was seen goes to stdout as JSON.

local PATIENCE = 20000

local function wait(what, condition)
  if not vim.wait(PATIENCE, condition, 20) then
    io.stderr:write('waited in vain for ' .. what .. '\n')
    vim.cmd('cquit 1')
  end
end

vim.cmd('edit ' .. vim.fn.fnameescape(os.getenv('JOURNEY_FILE')))
vim.bo.filetype = 'journey'
local client = vim.lsp.start_client({ name = 'journey', cmd = { os.getenv('JOURNEY'), 'lsp' } })
vim.lsp.buf_attach_client(0, client)

wait('findings', function() return #vim.diagnostic.get(0) > 0 end)
local found = vim.diagnostic.get(0)

local first = found[1]
vim.api.nvim_win_set_cursor(0, { first.lnum + 1, first.col })
local encoding = vim.lsp.get_client_by_id(client).offset_encoding
local params = vim.lsp.util.make_range_params(0, encoding)
params.context = { diagnostics = {} }
local answers = vim.lsp.buf_request_sync(0, 'textDocument/codeAction', params, PATIENCE)
local actions = answers[client].result
local titles = vim.tbl_map(function(action) return action.title end, actions)
vim.lsp.util.apply_workspace_edit(actions[1].edit, encoding)
wait('no more findings', function() return #vim.diagnostic.get(0) == 0 end)

local function request(method, params)
  local answer = vim.lsp.buf_request_sync(0, method, params, PATIENCE)[client]
  if answer.err then error(method .. ': ' .. answer.err.message) end
  return answer.result
end

-- The place of a text in the buffer, so many bytes behind its beginning.
local function at(text, behind)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(text, 1, true)
    if column then
      return { textDocument = vim.lsp.util.make_text_document_params(), position = { line = number - 1, character = column - 1 + behind } }
    end
  end
  error('there is no ' .. text)
end

local hover = request('textDocument/hover', at('wait 2d', 5)).contents.value
local completion = vim.tbl_map(function(item) return item.label end, request('textDocument/completion', at('add tag nurtured', 8)))
local definition = request('textDocument/definition', at('mattress_lead', 3))
vim.lsp.util.apply_text_edits(request('textDocument/formatting', {
  textDocument = vim.lsp.util.make_text_document_params(), options = { tabSize = 2, insertSpaces = true },
}), vim.api.nvim_get_current_buf(), encoding)
local formatted = vim.api.nvim_buf_get_lines(0, 0, -1, false)
local renamed = request('textDocument/rename', vim.tbl_extend('force', at('nurtured', 1), { newName = 'taught' }))
vim.lsp.util.apply_workspace_edit(renamed, encoding)

local seen = vim.tbl_map(function(d)
  return { line = d.lnum, column = d.col, message = d.message, code = d.code, severity = d.severity, source = d.source }
end, found)
local text = vim.api.nvim_buf_get_lines(0, 0, -1, false)
io.stdout:write(vim.fn.json_encode({
  findings = seen, actions = titles, text = text, hover = hover, completion = completion,
  definition = definition, formatted = formatted,
}) .. '\n')

vim.lsp.stop_client(client)
wait('the end of the server', function() return vim.lsp.get_client_by_id(client) == nil end)
vim.cmd('qall!')
