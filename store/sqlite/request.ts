/** What one request on a reader knows across partitions: which files, which origins, one evaluator a file. */
import type { Origin } from '../../pipeline/event-batch.ts'
import type { PartitionPlace } from './catalog.ts'
import { Evaluator } from './evaluator.ts'
import type { Plan } from './plan.ts'
import type { PartitionView, ViewOrigin } from './view.ts'
import type { Views } from './views.ts'

/** One file's part of a request. */
export class Part {
  readonly place: PartitionPlace
  readonly index: number
  readonly evaluator: Evaluator
  readonly #views: Views
  /** By the file's ids: index into the request's origins, or undefined. */
  readonly originIndex: number[] = []

  constructor(place: PartitionPlace, index: number, evaluator: Evaluator, views: Views) {
    this.place = place
    this.index = index
    this.evaluator = evaluator
    this.#views = views
  }

  /** Reads through the file's view; undefined when the file is gone (retention, set aside). */
  read<T>(read: (view: PartitionView) => T): T | undefined {
    return this.#views.read(this.place, read)
  }
}

export class Request {
  readonly views: Views
  readonly plan: Plan
  readonly parts: Part[] = []
  readonly origins: { readonly cluster: string; readonly origin: ViewOrigin }[] = []
  readonly #spanFirst: number

  constructor(views: Views, plan: Plan, spanFirst: number) {
    this.views = views
    this.plan = plan
    this.#spanFirst = spanFirst
  }

  /** Takes a file up, with all that is committed by now. */
  open(place: PartitionPlace): Part {
    const part = new Part(place, this.parts.length, new Evaluator(this.plan, this.#spanFirst), this.views)
    this.parts.push(part)
    if (part.read((view) => view.frozen)) this.views.forget(place)
    part.read((view) => view.refresh())
    return part
  }

  /** The request's number for an origin of a file. */
  originOf(part: Part, view: PartitionView, id: number): number {
    let index = part.originIndex[id]
    if (index === undefined) {
      index = this.origins.push({ cluster: part.place.cluster, origin: view.origins[id] as ViewOrigin }) - 1
      part.originIndex[id] = index
    }
    return index
  }

  generationOf(origin: number): string {
    return (this.origins[origin] as { origin: ViewOrigin }).origin.generation
  }

  origin(index: number, readAt: number): Origin {
    const { cluster, origin } = this.origins[index] as { cluster: string; origin: ViewOrigin }
    const { app, instance, host, dir, file, generation, encoding } = origin
    return { source: { cluster, app, instance, host, dir, file }, generation, encoding, readAt }
  }
}
