// A terminal that a guest serves, with a WASI program and a component as its clients: what the tests of it have in common.
export const PROGRAMS = ["dialog", "terminal_client", "echo_terminal"] as const;

const served = (labels: string) => `<service name="Terminal" ${labels}><child name="server"/></service>`;
const other = "<any-service><parent/></any-service>";
const NOBODY = '<service name="Terminal" label_last="stderr"><child name="nobody"/></service>';

/** By the names of the children: the insides of their start nodes. Both clients exit; standard error goes to LOG. */
export const INSIDES: Readonly<Record<"dialog" | "client" | "server", string>> = {
  dialog: `<route>${served('label_last="stdin"')}${served('label_last="stdout"')}${NOBODY}${other}</route>`,
  client: `<route>${served("")}${other}</route>`,
  server: '<provides><service name="Terminal"/></provides><config period_ms="2"/>',
};

const LONG = Array.from({ length: 20 }, (_, i) => ` AND ${i}`).join("");

export const DIALOG_LINES: readonly string[] = [
  "input is a terminal",
  ...Array.from({ length: 6 }, (_, turn) => `LINE ${turn}${turn % 3 === 2 ? LONG : ""}`),
  "BYE",
  "end of input: 1, write: -1",
];

export const CLIENT_LINES: readonly string[] = [
  "size: errno 0, 80 x 24",
  ...Array.from({ length: 6 }, (_, turn) => `answer: TURN ${turn} OF 6`),
  "answer: BYE",
  "end of input",
];
