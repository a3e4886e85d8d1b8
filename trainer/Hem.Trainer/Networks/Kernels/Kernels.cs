using System.Runtime.CompilerServices;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>The kernels over one kind of vector: here the order in which a product is cut into tiles.</summary>
[SkipLocalsInit]
internal sealed unsafe partial class Kernels<TLanes, TVector> : KernelSet
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    // A block of so many steps of k by so many rows keeps what a panel of tiles reads again and again within the second cache.
    private const int DepthBlock = 256;
    private const int RowBlock = 32 * TileRows;

    private static readonly PinnedBuffer Zeros = new(RowTileVectors * TLanes.Count);

    public override int Width => 32 * TLanes.Count;

    public override int PanelColumns => TileColumns;

    public override int ScratchLength =>
        Math.Max(DepthBlock * TileColumns, SparseScratch + WordBits * (WordBits + sizeof(ulong) / sizeof(float)));

    private static int TileColumns => 2 * TLanes.Count;

    public override void Multiply(in Product product)
    {
        for (var k = 0; k < product.Depth || k == 0; k += DepthBlock)
        {
            var block = DepthSlice(product, k, DepthBlock);
            block.B += k * block.BStep;
            for (var row = 0; row < product.Rows; row += RowBlock)
            {
                var rows = RowSlice(block, row, Math.Min(RowBlock, product.Rows - row));
                if (rows.Rows == 1)
                    MultiplyRow(rows);
                else
                    MultiplyPanels(rows);
            }
        }
    }

    public override void MultiplyTransposed(in Product product, float* scratch)
    {
        var skipped = SkipZeros(product, transposed: true, scratch);
        for (var k = 0; k < product.Depth || k == 0; k += DepthBlock)
        {
            var block = DepthSlice(product, k, DepthBlock);
            block.B += k;
            for (var column = skipped; column < product.Columns; column += TileColumns)
            {
                var panel = ColumnSlice(block, column, Math.Min(TileColumns, product.Columns - column));
                PackTransposed(block.B + column * block.BStep, block.BStep, panel.Columns, panel.Depth, scratch, TileColumns);
                panel.B = scratch;
                panel.BStep = TileColumns;
                MultiplyPanel(panel);
            }
        }
    }

    /// <summary>
    /// The part of a product from step k on, at most so long: what is done to sums before belongs to the first part, what is
    /// done after to the last. B is left to the caller.
    /// </summary>
    private static Product DepthSlice(in Product product, int k, int length)
    {
        var part = product;
        part.Depth = Math.Min(length, product.Depth - k);
        part.A += k * product.AStep;
        if (k > 0)
        {
            part.Accumulate = true;
            part.Bias = null;
        }

        if (k + part.Depth < product.Depth)
        {
            part.Relu = false;
            part.Mask = null;
        }

        return part;
    }

    private static Product RowSlice(in Product product, int row, int rows)
    {
        var part = product;
        part.Rows = rows;
        part.A += row * product.ARow;
        part.C += row * product.CRow;
        if (part.NonZeros != null)
            part.NonZeros += row * product.NonZeroRow;
        if (part.Mask != null)
            part.Mask += row * product.CRow;
        return part;
    }

    /// <summary>Some columns of a product; B is left to the caller.</summary>
    private static Product ColumnSlice(in Product product, int column, int columns)
    {
        var part = product;
        part.Columns = columns;
        part.C += column;
        if (part.Bias != null)
            part.Bias += column;
        if (part.Mask != null)
            part.Mask += column;
        return part;
    }

    private static void MultiplyPanels(in Product product)
    {
        for (var column = 0; column < product.Columns; column += TileColumns)
        {
            var panel = ColumnSlice(product, column, Math.Min(TileColumns, product.Columns - column));
            panel.B += column;
            MultiplyPanel(panel);
        }
    }

    /// <summary>As many columns as a tile has, or fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyPanel(in Product panel)
    {
        var edge = stackalloc float[TileRows * TileColumns];
        var whole = panel.Columns == TileColumns;
        for (var row = 0; row < panel.Rows; row += TileRows)
        {
            var tile = TileAt(panel, row);
            tile.Rows = Math.Min(TileRows, panel.Rows - row);
            if (!whole)
            {
                tile.Target = edge;
                tile.TargetRow = TileColumns;
            }

            if (tile.Rows > SmallTileRows)
                LargeTile(tile);
            else
                SmallTile(tile);
            if (!whole)
                CopyEdge(edge, panel.C + row * panel.CRow, panel.CRow, tile.Rows, panel.Columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyRow(in Product row)
    {
        var width = RowTileVectors * TLanes.Count;
        var edge = stackalloc float[width];
        for (var column = 0; column < row.Columns; column += width)
        {
            var part = ColumnSlice(row, column, Math.Min(width, row.Columns - column));
            part.B += column;
            var tile = TileAt(part, 0);
            if (part.Columns < width)
                tile.Target = edge;
            RowTile(tile);
            if (part.Columns < width)
                CopyEdge(edge, part.C, part.CRow, 1, part.Columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Tile TileAt(in Product panel, int row)
    {
        var c = panel.C + row * panel.CRow;
        return new Tile
        {
            A = panel.A + row * panel.ARow,
            ARow = panel.ARow,
            AStep = panel.AStep,
            B = panel.B,
            BStep = panel.BStep,
            Depth = panel.Depth,
            Start = panel.Accumulate ? c : panel.Bias != null ? panel.Bias : Zeros.Pointer,
            StartRow = panel.Accumulate ? panel.CRow : 0,
            Target = c,
            TargetRow = panel.CRow,
            Mask = panel.Mask == null ? null : panel.Mask + row * panel.CRow,
            MaskRow = panel.CRow,
            Relu = panel.Relu,
        };
    }

    private static void CopyEdge(float* edge, float* target, nint targetRow, int rows, int columns)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                target[row * targetRow + column] = edge[row * TileColumns + column];
        }
    }
}
