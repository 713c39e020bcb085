;;; journey-mode.el --- Customer journeys  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1") (eglot "1.9"))
;; Keywords: languages
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; A mode for `.journey' files, and the language server `journey lsp' for eglot.  Put this file on `load-path' and add
;;
;;   (require 'journey-mode)
;;   (add-hook 'journey-mode-hook #'eglot-ensure)
;;
;; to your init file.  Eglot is part of Emacs from version 29 on, and a package before.

;;; Code:

(require 'project)
(require 'eglot)

(defgroup journey nil
  "Customer journeys."
  :group 'languages)

(defcustom journey-program "journey"
  "The binary that serves journeys: a name to be found on PATH, or a path."
  :type 'string)

(defcustom journey-indent 2
  "How many columns a block is moved to the right."
  :type 'integer)

(defconst journey--steps
  '("send" "wait" "countdown" "if" "choose" "split" "repeat" "add" "remove" "set" "move" "record" "subscribe"
    "unsubscribe" "suppress" "delete" "notify" "call" "voucher" "let" "ask" "start" "stop" "step" "end")
  "Words that begin a step.")

(defconst journey--words
  '("and" "or" "not" "is" "in" "else" "on" "where" "journey" "test" "contact" "tags" "event" "topic" "funnel"
    "segment" "score" "policy" "per" "reenter" "collect" "exit" "goal" "purpose" "hours" "priority" "holdout"
    "migrate" "as" "at" "up" "to" "from" "via" "with" "link" "within" "since" "until" "for" "before" "after"
    "between" "contains" "starts" "ends" "matches" "changes" "changed" "exactly" "measure" "then" "expires"
    "because" "of" "given" "expect" "tag" "untag" "subscribed" "unsubscribed" "message" "created" "enters"
    "leaves" "reaches" "answer" "has" "consents")
  "Words that join conditions, and those that begin a part of a statement.")

(defconst journey--statuses
  '("sent" "delivered" "opened" "clicked" "replied" "bounced" "complained" "failed" "skipped")
  "What may become of a message.")

(defconst journey--days
  '("monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday" "weekdays" "weekends")
  "Days of the week.")

(defconst journey--font-lock
  `((,(regexp-opt journey--steps 'words) . font-lock-keyword-face)
    (,(regexp-opt journey--statuses 'words) . font-lock-builtin-face)
    (,(regexp-opt journey--days 'words) . font-lock-constant-face)
    ("\\_<\\(?:journey\\|event\\|segment\\|score\\|funnel\\|topic\\)\\s-+\\(\\(?:\\sw\\|\\s_\\)+\\)\\s-*[{=\"]"
     1 font-lock-type-face)
    (,(regexp-opt journey--words 'words) . font-lock-keyword-face)
    ("\\_<[0-9][0-9a-z.:-]*%?" . font-lock-constant-face))
  "What is coloured where eglot does not.")

(defvar journey-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?/ ". 12" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?_ "w" table)
    table)
  "Comments begin with `//' and end with the line.")

(defun journey-indent-line ()
  "Move the line to where the blocks around it say."
  (interactive)
  (let* ((depth (save-excursion
                  (back-to-indentation)
                  (let ((around (car (syntax-ppss))))
                    (if (looking-at-p "[])}]") (max 0 (1- around)) around))))
         (column (* depth journey-indent)))
    (if (<= (current-column) (current-indentation))
        (indent-line-to column)
      (save-excursion (indent-line-to column)))))

;;;###autoload
(define-derived-mode journey-mode prog-mode "Journey"
  "A mode for customer journeys."
  (setq-local comment-start "// ")
  (setq-local comment-end "")
  (setq-local indent-tabs-mode nil)
  (setq-local indent-line-function #'journey-indent-line)
  (setq-local font-lock-defaults '(journey--font-lock)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.journey\\'" . journey-mode))

(defun journey--project (folder)
  "The project around FOLDER: the next folder above that has a journey.toml."
  (when-let ((root (locate-dominating-file folder "journey.toml")))
    (cons 'journey root)))

(cl-defmethod project-root ((project (head journey)))
  "The folder of PROJECT."
  (cdr project))

(add-hook 'project-find-functions #'journey--project)

(defun journey--contact (&rest _)
  "How eglot starts the server."
  (list journey-program "lsp"))

(add-to-list 'eglot-server-programs '(journey-mode . journey--contact))

(provide 'journey-mode)
;;; journey-mode.el ends here
