/** The worker's end of a call: answers by id, errors as data (a ShiplogError loses its fields in a structured clone). */
import { parentPort } from 'node:worker_threads'
import { type ErrorCode, messageOf, ShiplogError } from '../../pipeline/errors.ts'
import type { PartitionName } from './catalog.ts'

export interface Call {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

export interface Fault {
  readonly code: ErrorCode
  readonly message: string
  readonly retryable: boolean
  readonly hint: string | undefined
}

/** What a thread tells without being asked. */
export interface Notice extends PartitionName {
  readonly kind: 'damaged'
  readonly reason: string
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly fault: Fault }
  | { readonly notice: Notice }

/** A value whose buffers move to the caller instead of being copied. */
export class Moved {
  readonly value: unknown
  readonly buffers: readonly ArrayBuffer[]
  constructor(value: unknown, buffers: readonly ArrayBuffer[]) {
    this.value = value
    this.buffers = buffers
  }
}

export type Handler = (args: readonly unknown[], id: number) => unknown

export function notify(notice: Notice): void {
  parentPort?.postMessage({ notice } satisfies Reply)
}

export function faultOf(error: unknown): Fault {
  if (error instanceof ShiplogError) {
    return { code: error.code, message: error.message, retryable: error.retryable, hint: error.hint }
  }
  // Whatever it is, asking again is safe: every call can be repeated.
  return { code: 'STORE_UNAVAILABLE', message: messageOf(error), retryable: true, hint: undefined }
}

/** Answers each call by the handler of its name. */
export function serve(handlers: { readonly [method: string]: Handler }): void {
  const port = parentPort
  if (port === null) throw new Error('serve runs in a worker thread')
  port.on('message', (call: Call) => {
    const answer = async (): Promise<void> => {
      try {
        const handler = handlers[call.method]
        if (handler === undefined) throw new Error(`no method ${call.method}`)
        const value = await handler(call.args, call.id)
        if (value instanceof Moved) port.postMessage({ id: call.id, value: value.value }, [...value.buffers])
        else port.postMessage({ id: call.id, value })
      } catch (error) {
        port.postMessage({ id: call.id, fault: faultOf(error) })
      }
    }
    void answer()
  })
}
