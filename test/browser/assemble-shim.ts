// test/assemble.ts in a browser's worker: the server assembles, because the assemblers are Node's packages.

function ask(assembler: string, wat: string): Uint8Array<ArrayBuffer> {
  const request = new XMLHttpRequest();
  request.open("POST", `/assemble/${assembler}`, false);
  request.responseType = "arraybuffer";
  request.send(wat);
  if (request.status !== 200) throw new Error(new TextDecoder().decode(request.response as ArrayBuffer));
  return new Uint8Array(request.response as ArrayBuffer);
}

export const assemble = (wat: string): Uint8Array<ArrayBuffer> => ask("wabt", wat);
export const assembleWithBinaryen = (wat: string): Uint8Array<ArrayBuffer> => ask("binaryen", wat);
