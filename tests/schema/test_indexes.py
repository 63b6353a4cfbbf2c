"""Names of indexes."""

from polystore import Field, Index, Model, field


def test_indexes_that_differ_by_direction_only_have_different_names() -> None:
    class Directed(Model):
        left: Field[int] = field(index=True)
        right: Field[int]

        class Meta:
            table = "d"
            indexes = [Index("left", "right"), Index("-left", "right"), Index("-left", "-right")]

    assert [index.name for index in Directed.__polystore_schema__.indexes] == [
        "d_left_idx",
        "d_left_right_idx",
        "d_left_desc_right_idx",
        "d_left_desc_right_desc_idx",
    ]
