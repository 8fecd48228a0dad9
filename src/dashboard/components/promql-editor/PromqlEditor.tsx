// PromQL with highlighting, checks and completion, by Prometheus' own language package. It lives in a shadow root,
// where its styles are constructed sheets: a policy that allows no inline style lets them be.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { Annotation, Compartment, EditorState, Prec, type Extension } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { PromQLExtension, type PrometheusClient } from "@prometheus-io/codemirror-promql";
import { useEffect, useRef, type ReactElement } from "react";
import { flushSync } from "react-dom";

interface Props {
  label: string;
  value: string;
  hint: string;
  dark: boolean;
  completion: PrometheusClient;
  onChange: (value: string) => void;
  onRun: () => void;
}

/** Marks a text that came from outside: nobody needs to be told of it. */
const given = Annotation.define<boolean>();

const token = (name: string): string => `var(--pf-t--global--${name})`;

function appearance(dark: boolean): Extension {
  const colors = dark
    ? { keyword: "#92c5f9", text: "#afdc8f", number: "#ffb2a3", label: "#c6bdff", faint: "#a3a3a3" }
    : { keyword: "#004d99", text: "#3d7317", number: "#b1380b", label: "#5e40be", faint: "#6a6e73" };
  return [
    EditorView.theme(
      {
        "&": {
          color: token("text--color--regular"),
          backgroundColor: token("background--color--control--default"),
          border: `1px solid ${token("border--color--control--default")}`,
          borderRadius: token("border--radius--small"),
          fontSize: "0.9rem",
        },
        "&.cm-focused": { outline: `2px solid ${token("border--color--brand--default")}`, outlineOffset: "-1px" },
        ".cm-content": { fontFamily: token("font--family--mono"), padding: "0.5rem 0.25rem", minHeight: "2.5rem" },
        ".cm-cursor": { borderLeftColor: token("text--color--regular") },
        ".cm-placeholder": { color: colors.faint },
        ".cm-tooltip": {
          color: token("text--color--regular"),
          backgroundColor: token("background--color--floating--default"),
          border: `1px solid ${token("border--color--default")}`,
          maxWidth: "min(40rem, 90vw)",
        },
        ".cm-tooltip-autocomplete ul li[aria-selected]": {
          color: token("text--color--on-brand--default"),
          backgroundColor: token("color--brand--default"),
        },
      },
      { dark },
    ),
    syntaxHighlighting(
      HighlightStyle.define([
        { tag: [tags.keyword, tags.function(tags.variableName), tags.modifier], color: colors.keyword },
        { tag: tags.string, color: colors.text },
        { tag: tags.number, color: colors.number },
        { tag: tags.labelName, color: colors.label },
        { tag: tags.comment, color: colors.faint, fontStyle: "italic" },
      ]),
    ),
  ];
}

export function PromqlEditor(props: Props): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const theme = useRef(new Compartment());
  // The editor outlives renderings: it asks for what was given last.
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const { label, value, hint, dark, completion } = latest.current;
    const promql = new PromQLExtension().setComplete({ remote: completion });
    const run = (): boolean => {
      latest.current.onRun();
      return true;
    };
    const created = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: value,
        extensions: [
          theme.current.of(appearance(dark)),
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          promql.asExtension(),
          placeholder(hint),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, "aria-multiline": "true", autocapitalize: "off" }),
          // Proposals take Enter first. Tab stays with the page: nobody is caught in here.
          keymap.of([...completionKeymap]),
          Prec.high(keymap.of([{ key: "Shift-Enter", run: insertNewlineAndIndent }, { key: "Mod-Enter", run }])),
          keymap.of([{ key: "Enter", run }, ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged || update.transactions.some((transaction) => transaction.annotation(given))) return;
            // At once: told later, it would come back as a value that undoes what was typed since.
            flushSync(() => {
              latest.current.onChange(update.state.doc.toString());
            });
          }),
        ],
      }),
    });
    view.current = created;
    return () => {
      view.current = null;
      created.destroy();
      promql.destroy();
    };
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === props.value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: props.value }, annotations: given.of(true) });
  }, [props.value]);

  useEffect(() => {
    view.current?.dispatch({ effects: theme.current.reconfigure(appearance(props.dark)) });
  }, [props.dark]);

  return <div ref={host} />;
}
