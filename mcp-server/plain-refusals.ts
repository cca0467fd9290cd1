/**
 * Calls that the protocol itself refuses, refused in words that help to correct them. What the SDK answers to a call of
 * the wrong shape is its parser's list of issues as JSON, and to an unknown tool nothing about those that there are.
 */
import type { JSONRPCMessage, JSONRPCRequest, MessageExtraInfo, Transport } from '@modelcontextprotocol/server';
import { INVALID_PARAMS, isJSONRPCRequest } from '@modelcontextprotocol/server';
import { quotation } from '../shared/base/bytes.ts';
import { nearest } from '../shared/base/nearest.ts';
import { foreign } from './foreign-text.ts';

/** Stands between the wire and the SDK; every other message passes as it is. */
export class PlainRefusals implements Transport {
  readonly #wire: Transport;
  readonly #tools: readonly string[];
  onclose?: Transport['onclose'];
  onerror?: Transport['onerror'];
  onmessage?: Transport['onmessage'];

  constructor(wire: Transport, tools: readonly string[]) {
    this.#wire = wire;
    this.#tools = tools;
  }

  async start(): Promise<void> {
    const handlers: Pick<Transport, 'onclose' | 'onerror' | 'onmessage'> = {
      onclose: () => this.onclose?.(),
      onerror: (error) => this.onerror?.(error),
      onmessage: (message, extra) => this.#receive(message, extra),
    };
    Object.assign(this.#wire, handlers);
    await this.#wire.start();
  }

  send: Transport['send'] = (message, options) => this.#wire.send(message, options);

  close(): Promise<void> {
    return this.#wire.close();
  }

  setProtocolVersion(version: string): void {
    this.#wire.setProtocolVersion?.(version);
  }

  #receive(message: JSONRPCMessage, extra: MessageExtraInfo | undefined): void {
    const words = isJSONRPCRequest(message) ? mistakeOf(message, this.#tools) : undefined;
    if (words === undefined || !isJSONRPCRequest(message)) {
      this.onmessage?.(message, extra);
      return;
    }
    const refusal = { jsonrpc: '2.0', id: message.id, error: { code: INVALID_PARAMS, message: words } } as const;
    this.#wire.send(refusal).catch((error: unknown) => this.onerror?.(error as Error));
  }
}

function mistakeOf({ method, params }: JSONRPCRequest, tools: readonly string[]): string | undefined {
  if (method !== 'tools/call') return undefined;
  const name: unknown = params?.['name'];
  const given: unknown = params?.['arguments'];
  const known = `The tools are ${tools.join(', ')}.`;
  if (typeof name !== 'string') return `The call names no tool: "name" has to be a string. ${known}`;
  if (!tools.includes(name)) {
    const guess = nearest(name, tools);
    return `There is no tool ${quotation(foreign(name))}. ${guess === undefined ? known : `Did you mean ${guess}?`}`;
  }
  if (given === undefined || (typeof given === 'object' && given !== null && !Array.isArray(given))) return undefined;
  const kind = given === null ? 'null' : Array.isArray(given) ? 'a list' : `a ${typeof given}`;
  return `${name} was not called: "arguments" is ${kind} and must be an object, {} where there are none.`;
}
