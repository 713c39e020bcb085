;; Run by emacs.rs in `emacs --batch`: opens the file named by JOURNEY_FILE with eglot and the server named by JOURNEY,
;; waits for its findings, takes the first quick fix and waits until nothing is left; then asks for what people use most,
;; and formats and renames.  What was seen goes to stdout as JSON.

(require 'json)
(package-initialize)
(load (getenv "JOURNEY_MODE") nil t)
(setq journey-program (getenv "JOURNEY")
      eglot-sync-connect 20
      eglot-confirm-server-initiated-edits nil
      make-backup-files nil)

(defun wait (what condition)
  (let ((end (+ (float-time) 20)))
    (while (not (funcall condition))
      (when (> (float-time) end)
        (message "waited in vain for %s" what)
        (kill-emacs 1))
      (accept-process-output nil 0.02))))

;; A person's Emacs tells of changes when it is idle, which `--batch' never is.
(defun settle () (eglot--signal-textDocument/didChange))

(defun ask (method &rest more)
  (jsonrpc-request (eglot--current-server-or-lose) method (append (eglot--TextDocumentPositionParams) more)))

(defun go-to (text behind)
  (goto-char (point-min))
  (search-forward text)
  (goto-char (+ (match-beginning 0) behind)))

(find-file (getenv "JOURNEY_FILE"))
(apply #'eglot (eglot--guess-contact))
(flymake-start)
(wait "findings" (lambda () (flymake-diagnostics)))
(let* ((found (car (flymake-diagnostics)))
       (finding `((line . ,(line-number-at-pos (flymake-diagnostic-beg found)))
                  (text . ,(buffer-substring-no-properties (flymake-diagnostic-beg found) (flymake-diagnostic-end found)))
                  (message . ,(substring-no-properties (flymake-diagnostic-text found)))))
       (root (project-root (project-current)))
       titles offered definition hover formatted)
  (goto-char (flymake-diagnostic-beg found))
  (let ((actions (jsonrpc-request
                  (eglot--current-server-or-lose) :textDocument/codeAction
                  (list :textDocument (eglot--TextDocumentIdentifier)
                        :range (list :start (eglot--pos-to-lsp-position (flymake-diagnostic-beg found))
                                     :end (eglot--pos-to-lsp-position (flymake-diagnostic-end found)))
                        :context '(:diagnostics [])))))
    (setq titles (mapcar (lambda (action) (plist-get action :title)) actions))
    (eglot--apply-workspace-edit (plist-get (aref actions 0) :edit)))
  (settle)
  (wait "no more findings" (lambda () (flymake-start) (null (flymake-diagnostics))))
  (go-to "wait 2d" 5)
  (setq hover (plist-get (plist-get (ask :textDocument/hover) :contents) :value))
  (go-to "add tag nurtured" 8)
  (setq offered (let ((capf (eglot-completion-at-point))) (all-completions "" (nth 2 capf))))
  (go-to "mattress_lead" 3)
  (setq definition (xref-item-location (car (xref-backend-definitions 'eglot (xref-backend-identifier-at-point 'eglot)))))
  (eglot-format-buffer)
  (setq formatted (buffer-substring-no-properties (point-min) (point-max)))
  (settle)
  (go-to "nurtured" 1)
  (cl-letf (((symbol-function 'y-or-n-p) #'always))
    (eglot-rename "taught"))
  (princ (json-encode
          `((root . ,(file-name-nondirectory (directory-file-name (expand-file-name root))))
            (finding . ,finding)
            (actions . ,(vconcat titles))
            (hover . ,hover)
            (completion . ,(vconcat (mapcar #'substring-no-properties offered)))
            (definition . ,(file-name-nondirectory (xref-location-group definition)))
            (formatted . ,formatted)
            (text . ,(buffer-substring-no-properties (point-min) (point-max)))
            (declarations . ,(with-current-buffer "declarations.journey" (buffer-string)))
            (face . ,(progn (font-lock-ensure) (go-to "wait" 0) (symbol-name (get-text-property (point) 'face))))))))
(eglot-shutdown (eglot--current-server-or-lose))
