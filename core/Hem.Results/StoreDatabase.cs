using System.Data.Common;

namespace Hem.Results;

/// <summary>
/// What differs between the databases that a store can be in: how one is opened and held, and what its errors mean. The statements are the
/// same for all (parameters $1, $2, ...). Thread-safe but for <see cref="Begin"/>.
/// </summary>
internal abstract class StoreDatabase : IDisposable
{
    /// <summary>What messages call it; holds no secret.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// A connection to write by; the first call makes the tables, or brings those of an older version up to date, and takes hold of the
    /// store.
    /// </summary>
    /// <exception cref="StoreException">It cannot be used.</exception>
    /// <exception cref="DbException">To be told by <see cref="Translate"/>.</exception>
    public abstract StoreConnection OpenWriter();

    /// <summary>A connection that only reads; fails like <see cref="OpenWriter"/>.</summary>
    public abstract StoreConnection OpenReader();

    /// <summary>Begins a transaction that writes.</summary>
    /// <exception cref="StoreException"><see cref="StoreFault.Locked"/>: another holds the store now.</exception>
    public abstract void Begin(StoreConnection writer);

    public abstract StoreException Translate(DbException e);

    /// <summary>Waits for nobody.</summary>
    public abstract StoreSize ReadSize();

    /// <summary>Lets go of the store; its connections are disposed already.</summary>
    public abstract void Dispose();
}
